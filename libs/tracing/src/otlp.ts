import { context } from '@opentelemetry/api';
import { traceIdFor } from './spans.js';

export interface TracingOptions {
  /** Base URL of a collector, as in `OTEL_EXPORTER_OTLP_ENDPOINT`; spans go to `<url>/v1/traces`. */
  readonly endpoint: string | undefined;
  /** The name of the process. */
  readonly service: string;
  /** Called at the first spans that cannot be handed over, and not again before some were. */
  onOutage(error: unknown): void;
}

export interface Tracing {
  /** Hands over what is left, for at most `LAST_SPANS_WITHIN_MS`. */
  stop(): Promise<void>;
}

/** Longest time for one attempt to hand over spans, in milliseconds. */
const HAND_OVER_WITHIN_MS = 2_000;
/** How long a process that stops waits for its collector, in milliseconds. */
const LAST_SPANS_WITHIN_MS = 1_000;

/**
 * Switches spans on, where an endpoint is given: OTLP over HTTP, in batches, in the background. Spans that a collector does
 * not take are dropped; no request waits for it. Without an endpoint nothing of OpenTelemetry's SDK is loaded.
 */
export async function exportSpans({
  endpoint,
  service,
  onOutage,
}: TracingOptions): Promise<Tracing> {
  if (endpoint === undefined) return { stop: async () => undefined };
  const [sdk, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
    timeoutMillis: HAND_OVER_WITHIN_MS,
  });
  let isOut = false;
  const random = new sdk.RandomIdGenerator();
  const provider = new sdk.NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': service }),
    idGenerator: {
      generateTraceId: () => traceIdFor(context.active()) ?? random.generateTraceId(),
      generateSpanId: () => random.generateSpanId(),
    },
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        export: (spans, done) =>
          exporter.export(spans, (result) => {
            // 0 is success.
            if (result.code !== 0 && !isOut) onOutage(result.error);
            isOut = result.code !== 0;
            done(result);
          }),
        shutdown: () => exporter.shutdown(),
        forceFlush: () => exporter.forceFlush(),
      }),
    ],
  });
  provider.register();
  return {
    stop: async () => {
      let timer: NodeJS.Timeout | undefined;
      const overdue = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, LAST_SPANS_WITHIN_MS);
      });
      // `onOutage` has reported what could not be handed over.
      const ended = provider.shutdown().catch(() => undefined);
      await Promise.race([ended, overdue]);
      clearTimeout(timer);
    },
  };
}
