import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { readinessOf } from './health.js';
import type { HealthCheck } from './health.js';

export interface InternalServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * What operators and orchestrators ask a process, on a port that is never published: `/health/live` (the
 * process runs), `/health/ready` (each dependency by name; 503 when one is missing) and `/metrics`
 * (Prometheus).
 */
export async function startInternalServer(options: {
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
  readonly checks: Readonly<Record<string, HealthCheck>>;
  readonly metrics: Registry;
  /** Further facts for `/health/ready` that do not decide whether the process is ready. */
  details?(): Readonly<Record<string, unknown>>;
}): Promise<InternalServer> {
  const { host, port, checks, metrics } = options;
  const answer = async (path: string | undefined): Promise<readonly [number, string, string]> => {
    switch (path) {
      case '/health/live':
        return [200, 'application/json', JSON.stringify({ live: true })];
      case '/health/ready': {
        const readiness = await readinessOf(checks);
        const document = { ...readiness, ...options.details?.() };
        return [readiness.ready ? 200 : 503, 'application/json', JSON.stringify(document)];
      }
      case '/metrics':
        return [200, metrics.contentType, await metrics.metrics()];
      default:
        return [404, 'application/json', JSON.stringify({ error: 'not found' })];
    }
  };
  const server = createServer((request, response) => {
    answer(request.url).then(
      ([status, type, body]) => response.writeHead(status, { 'Content-Type': type }).end(body),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  });
  const { port: actualPort } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${actualPort}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
