import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AccountClient, Backstage, anotherCode, basicAuth } from '../api/account-client.js';
import { knownSecrets } from '../api/known-secrets.js';
import { startCollector } from '../support/collector.js';
import type { CollectedSpan, Collector } from '../support/collector.js';
import { eventually } from '../support/eventually.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';

const caller = { email: 'ada.canary@example.org', password: 'canary pässword staple' };
const PROVIDER_KEY = 'canary-provider-key-4711';

const projectionsOf = (eventTypes: readonly string[]) =>
  ['projection accounts', 'projection activation-mails', 'projection statistics'].flatMap((name) =>
    eventTypes.map((type) => `      worker: ${name} (${type})`),
  );

/** What follows from `POST /v1/accounts`, with what each span lies below. */
const WHOLE_STORY = [
  'api: POST /v1/accounts',
  '  api: command RegisterAccount',
  '    api: append',
  ...projectionsOf(['AccountRegistered', 'ActivationCodeIssued']),
  '      worker: saga activation-mail (ActivationCodeIssued)',
  '        worker: command RecordActivationCodeSent',
  '          worker: append',
  ...projectionsOf(['ActivationCodeSent']).map((line) => `      ${line}`),
  '        worker: mail provider first',
];

describe('A product with a collector', () => {
  const secrets = { ...knownSecrets(), EMAIL_API_KEY: PROVIDER_KEY };
  let collector: Collector;
  let product: Product;
  let code: string;
  let requestId: string;

  beforeAll(async () => {
    collector = await startCollector();
    product = await startProduct({
      environment: {
        ...secrets,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_BSP_SCHEDULE_DELAY: '100',
      },
    });
    const backstage = new Backstage(product);
    const client = new AccountClient(product.endpoints.api, 'Browser canary');
    // Projections that still catch up leave no spans.
    const first = { ...caller, email: 'first.canary@example.org' };
    await client.register(first);
    await backstage.codeFor(first);
    const strange = {
      traceparent: `00-${'ab'.repeat(16)}-00f067aa0ba902b7-01`,
      tracestate: 'a=canary',
      baggage: 'a=canary',
    };
    const registered = await client.post('/v1/accounts', caller, strange);
    requestId = registered.headers.get('X-Request-Id') ?? '';
    code = await backstage.codeFor(caller);
    const outcomes = [
      registered,
      await client.activate(caller, anotherCode(code)),
      await client.activate(caller, code),
      await client.view(caller),
      await client.view({ ...caller, password: 'canary guess' }),
      await client.post(`/v1/${caller.email}?code=${code}`, caller),
      await client.post('/v1/accounts', `{"email":"${caller.email}`),
    ];
    expect(outcomes.map(({ status }) => status)).toEqual([202, 422, 200, 200, 401, 404, 400]);
    await backstage.close();
  }, 120_000);
  afterAll(async () => {
    await product.stop();
    await collector.stop();
  });

  it('gets one tree of spans from a call over command, append, projections and saga to the provider', async () => {
    await eventually(() => expect(treeOf(traceOf(collector, requestId))).toEqual(WHOLE_STORY), {
      within: 20_000,
    });
    const spans = traceOf(collector, requestId);
    for (const name of ['POST /v1/accounts', 'command RegisterAccount']) {
      expect(spans.find((span) => span.name === name)?.attributes).toMatchObject({
        'correlation.id': requestId,
      });
    }
    expect(spans.find(({ name }) => name === 'mail provider first')?.attributes).toEqual({
      'http.response.status_code': 200,
    });
  });

  it('gets no address, password, code, hash or key, whatever was sent', async () => {
    await eventually(() => {
      const names = collector.spans().map(({ name }) => name);
      expect(names).toEqual(
        expect.arrayContaining(['command ActivateAccount', 'GET /v1/account', 'POST unknown']),
      );
    });
    const received = collector.received();
    expect(received.length).toBeGreaterThan(10_000);
    const inTransit = [basicAuth(caller), encodeURIComponent(caller.email), 'example.org'];
    const marks = ['canary', 'ässword', '$2b$', ...inTransit, ...Object.values(secrets)];
    expect(marks.filter((mark) => received.includes(mark))).toEqual([]);
    const said = collector.spans().map(({ name, attributes }) => ({ ...attributes, name }));
    const withoutIds = JSON.stringify(said).replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '');
    expect(withoutIds).not.toContain(code);
  });

  it('goes on as before when the collector is gone, which is logged once, and stops in time', async () => {
    await collector.stop();
    const client = new AccountClient(product.endpoints.api);
    for (let round = 0; round < 20; round++) expect((await client.view(caller)).status).toBe(200);
    const reports = () => product.api.output().split('traces cannot be handed over').length - 1;
    await eventually(() => expect(reports()).toBe(1), { within: 20_000 });
    expect((await client.view(caller)).status).toBe(200);
    await product.api.stop();
    expect(reports()).toBe(1);
    expect(product.api.output()).not.toContain('could not stop in time');
  });
});

function traceOf(collector: Collector, requestId: string): readonly CollectedSpan[] {
  const traceId = requestId.replaceAll('-', '');
  return collector.spans().filter((span) => span.traceId === traceId);
}

/** A line for each span, below the one that it is part of. */
function treeOf(spans: readonly CollectedSpan[], parent?: string, indent = ''): readonly string[] {
  return spans
    .filter(({ parentSpanId }) => parentSpanId === parent)
    .map(({ service, name, attributes, spanId }) => {
      const type = attributes['event.type'];
      const line = `${indent}${service.replace('accounts-', '')}: ${name}${type ? ` (${String(type)})` : ''}`;
      return [line, ...treeOf(spans, spanId, `${indent}  `)];
    })
    .toSorted(([one = ''], [other = '']) => (one < other ? -1 : 1))
    .flat();
}
