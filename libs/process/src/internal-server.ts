import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { readinessOf } from './health.js';
import type { HealthCheck, Readiness } from './health.js';

export interface InternalServer {
  readonly url: string;
  close(): Promise<void>;
}

const READINESS_LASTS_MS = 1_000;

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
  /** For so long an answer of the checks is given again, in milliseconds: however often somebody asks. */
  readonly readinessLastsMs?: number;
  /** Further facts for `/health/ready` that do not decide whether the process is ready. */
  details?(): Readonly<Record<string, unknown>>;
}): Promise<InternalServer> {
  const { host, port, checks, metrics, readinessLastsMs = READINESS_LASTS_MS } = options;
  let latest: { readonly readiness: Promise<Readiness>; readonly at: number } | undefined;
  const readinessNow = (): Promise<Readiness> => {
    const now = performance.now();
    if (!latest || now - latest.at >= readinessLastsMs) {
      latest = { readiness: readinessOf(checks), at: now };
    }
    return latest.readiness;
  };
  const answer = async (path: string | undefined): Promise<readonly [number, string, string]> => {
    switch (path) {
      case '/health/live':
        return [200, 'application/json', JSON.stringify({ live: true })];
      case '/health/ready': {
        const readiness = await readinessNow();
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
