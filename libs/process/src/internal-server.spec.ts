import { setTimeout as pause } from 'node:timers/promises';
import { connect } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Counter, Registry } from 'prom-client';
import { startInternalServer } from './internal-server.js';
import type { InternalServer } from './internal-server.js';

const READINESS_LASTS_MS = 200;

describe('The internal server', () => {
  let server: InternalServer;
  let postgresFault: Error | undefined;
  let metricsFault: Error | undefined;
  let checks: number;

  beforeEach(async () => {
    checks = 0;
    postgresFault = undefined;
    metricsFault = undefined;
    const metrics = new Registry();
    new Counter({
      name: 'events_total',
      help: 'Events so far',
      registers: [metrics],
      collect() {
        if (metricsFault) throw metricsFault;
        this.inc();
      },
    });
    server = await startInternalServer({
      host: '127.0.0.1',
      port: 0,
      metrics,
      readinessLastsMs: READINESS_LASTS_MS,
      checks: {
        postgres: async () => {
          checks += 1;
          if (postgresFault) throw postgresFault;
        },
      },
      details: () => ({ projection: 'caught up' }),
    });
  });
  afterEach(() => server.close());

  const get = async (path: string) => {
    const response = await fetch(server.url + path);
    return { status: response.status, body: await response.text(), headers: response.headers };
  };

  it('says that the process lives', async () => {
    expect(await get('/health/live')).toMatchObject({ status: 200, body: '{"live":true}' });
  });

  it('asks its dependencies once for all who ask at a time', async () => {
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => get('/health/ready')));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(checks).toBe(1);
  });

  it('says whether it is ready, with further facts, and anew before long', async () => {
    const ready = await get('/health/ready');
    expect(ready.status).toBe(200);
    expect(ready.headers.get('Content-Type')).toBe('application/json');
    expect(JSON.parse(ready.body)).toEqual({
      ready: true,
      checks: { postgres: 'ok' },
      projection: 'caught up',
    });
    postgresFault = new Error('it does not answer');
    await pause(READINESS_LASTS_MS);
    const red = await get('/health/ready');
    expect(red.status).toBe(503);
    expect(JSON.parse(red.body)).toMatchObject({
      ready: false,
      checks: { postgres: 'it does not answer' },
    });
    postgresFault = undefined;
    await pause(READINESS_LASTS_MS);
    expect((await get('/health/ready')).status).toBe(200);
  });

  it('lives on while it is not ready', async () => {
    postgresFault = new Error('it does not answer');
    expect((await get('/health/live')).status).toBe(200);
  });

  it('gives its figures to Prometheus', async () => {
    const { status, headers, body } = await get('/metrics');
    expect(status).toBe(200);
    expect(headers.get('Content-Type')).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(body).toMatch(/^events_total 1$/m);
  });

  it('answers 500 when they cannot be had, and goes on', async () => {
    metricsFault = new Error('a collector failed');
    expect((await get('/metrics')).status).toBe(500);
    metricsFault = undefined;
    expect((await get('/metrics')).status).toBe(200);
  });

  it.each(['/', '/health', '/health/ready/', '/metrics/../etc'])(
    'has nothing at %s',
    async (path) => {
      expect((await get(path)).status).toBe(404);
    },
  );

  it('closes at once, although clients are still connected', async () => {
    const { hostname, port } = new URL(server.url);
    const idle = connect(Number(port), hostname);
    await once(idle, 'connect');
    const closed = once(idle, 'close');
    await server.close();
    await closed;
    await expect(get('/health/live')).rejects.toThrow();
  });

  it('rejects when its port is taken', async () => {
    const { port } = new URL(server.url);
    const options = { host: '127.0.0.1', port: Number(port), metrics: new Registry(), checks: {} };
    await expect(startInternalServer(options)).rejects.toThrow(/EADDRINUSE/);
  });
});
