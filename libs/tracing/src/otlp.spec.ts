import { context, trace } from '@opentelemetry/api';
import { afterEach, describe, expect, it } from '@jest/globals';
import { startCollector } from '../../../test/support/collector.js';
import { eventually } from '../../../test/support/eventually.js';
import { exportSpans } from './otlp.js';
import { inSpan } from './spans.js';

const correlationId = '7c8a6f9a-58a5-4ac1-b8a9-4c5a1bb1f9a0';

describe('Handing over spans', () => {
  afterEach(() => {
    trace.disable();
    context.disable();
  });

  function switchedOn(endpoint: string) {
    const outages: unknown[] = [];
    const onOutage = (error: unknown) => outages.push(error);
    return exportSpans({ endpoint, service: 'spec', onOutage }).then((tracing) => ({
      tracing,
      outages,
    }));
  }

  it('reaches a collector, at the latest when the process stops', async () => {
    const collector = await startCollector();
    const { tracing, outages } = await switchedOn(`${collector.url}/`);
    await inSpan('work', { correlationId }, async () => 0);
    await tracing.stop();
    await collector.stop();
    expect(collector.spans()).toMatchObject([
      { service: 'spec', name: 'work', traceId: correlationId.replaceAll('-', '') },
    ]);
    expect(outages).toEqual([]);
  });

  it('says nothing about the machine', async () => {
    const collector = await startCollector();
    const { tracing } = await switchedOn(collector.url);
    await inSpan('work', {}, async () => 0);
    await tracing.stop();
    await collector.stop();
    const { resourceSpans } = JSON.parse(collector.received().split('\n')[0] ?? '') as {
      resourceSpans: { resource: { attributes: { key: string }[] } }[];
    };
    expect(resourceSpans[0]?.resource.attributes.map(({ key }) => key)).toEqual(['service.name']);
  });

  it('to a collector that is not there is logged, and holds up no stop', async () => {
    const gone = await startCollector();
    await gone.stop();
    const { tracing, outages } = await switchedOn(gone.url);
    expect(await inSpan('work', {}, async () => 'done')).toBe('done');
    await tracing.stop();
    await eventually(() => expect(outages).toHaveLength(1));
  });

  it('to a collector that never answers holds up no stop', async () => {
    const silent = await startCollector({ answers: false });
    const { tracing, outages } = await switchedOn(silent.url);
    await inSpan('work', {}, async () => 0);
    await tracing.stop();
    expect(outages).toEqual([]);
    await silent.stop();
    await eventually(() => expect(outages).toHaveLength(1));
  });
});
