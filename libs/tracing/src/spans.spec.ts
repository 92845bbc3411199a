import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RequestSpans, inSpan, inSpansAfter, keptSpan, traceparent } from './spans.js';
import { recordSpans } from './testing/recorded-spans.js';

const correlationId = '7c8a6f9a-58a5-4ac1-b8a9-4c5a1bb1f9a0';
const traceId = correlationId.replaceAll('-', '');

class SecretIsWrong extends Error {
  override readonly name = 'SecretIsWrong';
}

describe('While tracing is off', () => {
  it('work is done and leaves nothing behind', async () => {
    const found = await inSpan('work', { correlationId }, async () => traceparent());
    expect(found).toBeUndefined();
  });

  it('an event that was appended while it was on is followed without a span', async () => {
    const metadata = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
    const found = await inSpansAfter('saga', [{ type: 'A', metadata }], async () => traceparent());
    expect(found).toBeUndefined();
  });
});

describe('A trace', () => {
  let recording: ReturnType<typeof recordSpans>;
  beforeEach(() => {
    recording = recordSpans();
  });
  afterEach(() => recording.stop());

  it('has the correlation id as its own id, and every span below it', async () => {
    await inSpan('outer', { correlationId }, () => inSpan('inner', {}, async () => delay(2)));
    expect(recording.spans()).toMatchObject([
      { name: 'outer', traceId, under: undefined, attributes: { 'correlation.id': correlationId } },
      { name: 'inner', traceId, under: 'outer' },
    ]);
  });

  it('goes on where an event leads to something, in another process', async () => {
    const parent = await inSpan('append', { correlationId }, async () => traceparent());
    expect(parent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
    const event = { type: 'CodeIssued', metadata: { ...(parent && { traceparent: parent }) } };
    await inSpansAfter('saga', [event], () => inSpan('mail', { kind: 'CLIENT' }, async () => 0));
    expect(recording.spans().map(({ name, under }) => [name, under])).toEqual([
      ['append', undefined],
      ['saga', 'append'],
      ['mail', 'saga'],
    ]);
    expect(new Set(recording.spans().map((span) => span.traceId))).toEqual(new Set([traceId]));
  });

  it('goes on for each of several events that are handled together, and for none without a trace', async () => {
    const events = ['1', '2'].map((digit) => ({
      type: `Type${digit}`,
      metadata: { traceparent: `00-${digit.repeat(32)}-00f067aa0ba902b7-01` },
    }));
    const old = { type: 'Old', metadata: {} };
    const broken = { type: 'Broken', metadata: { traceparent: 'canary' } };
    const odd = { type: 'Odd', metadata: { traceparent: 7 as unknown as string } };
    await inSpansAfter('projection', [...events, old, broken, odd], async () => 0);
    expect(recording.spans().map((span) => [span.traceId, span.attributes['event.type']])).toEqual([
      ['1'.repeat(32), 'Type1'],
      ['2'.repeat(32), 'Type2'],
    ]);
  });

  it('shows of a failure the name and not the message', async () => {
    const failing = () => Promise.reject(new SecretIsWrong('canary'));
    await expect(inSpan('work', { correlationId }, failing)).rejects.toThrow('canary');
    const parent = { traceparent: `00-${'1'.repeat(32)}-00f067aa0ba902b7-01` };
    const events = ['A', 'B'].map((type) => ({ type, metadata: parent }));
    await expect(inSpansAfter('batch', events, failing)).rejects.toThrow('canary');
    const spans = recording.spans();
    expect(spans).toHaveLength(3);
    for (const span of spans) {
      expect(span).toMatchObject({ isFailed: true, attributes: { 'error.type': 'SecretIsWrong' } });
    }
    expect(JSON.stringify(spans)).not.toContain('canary');
  });

  it('is the one that work was kept for, in whatever part of the process', async () => {
    const kept = await inSpan('one', { correlationId }, async () => keptSpan());
    await inSpan('other', {}, () => kept(() => inSpan('work', {}, async () => 0)));
    expect(recording.spans().find(({ name }) => name === 'work')).toMatchObject({
      traceId,
      under: 'one',
    });
  });

  it('of a request ends once, with the pattern of its path', () => {
    const spans = new RequestSpans();
    const request = {};
    spans.begin(request, correlationId);
    let inside: string | undefined;
    spans.continue(request, () => (inside = traceparent()));
    spans.end(request, 'POST', '/v1/accounts', 503);
    spans.end(request, 'POST', '/v1/accounts');
    expect(inside).toContain(traceId);
    expect(recording.spans()).toMatchObject([
      {
        name: 'POST /v1/accounts',
        traceId,
        isFailed: true,
        attributes: {
          'http.request.method': 'POST',
          'http.route': '/v1/accounts',
          'http.response.status_code': 503,
        },
      },
    ]);
  });
});
