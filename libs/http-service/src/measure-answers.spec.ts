import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { measureAnswers } from './measure-answers.js';

describe('Measuring answers', () => {
  it('counts them by method, route and status, in seconds', async () => {
    const registry = new Registry();
    const onAnswer = measureAnswers(registry);
    const answer = { method: 'GET', route: '/drinks/:name', status: 200 };
    onAnswer({ ...answer, milliseconds: 4 });
    onAnswer({ ...answer, milliseconds: 4_000 });
    onAnswer({ ...answer, status: 404, milliseconds: 1 });
    const text = await registry.metrics();
    const labels = 'method="GET",route="/drinks/:name",status="200"';
    expect(text).toContain(`http_server_request_duration_seconds_count{${labels}} 2`);
    expect(text).toContain(`http_server_request_duration_seconds_sum{${labels}} 4.004`);
    expect(text).toContain(`http_server_request_duration_seconds_bucket{le="0.005",${labels}} 1`);
    expect(text).toMatch(/_count\{method="GET",route="\/drinks\/:name",status="404"\} 1/);
  });
});
