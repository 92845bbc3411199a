import { Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import type { HttpAnswer } from './http-service.js';

/** Answers by method, route pattern and status, in seconds. */
export function measureAnswers(registry: Registry): (answer: HttpAnswer) => void {
  const seconds = new Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'Time from the request to its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [registry],
  });
  return ({ method, route, status, milliseconds }) =>
    seconds.observe({ method, route, status: String(status) }, milliseconds / 1000);
}
