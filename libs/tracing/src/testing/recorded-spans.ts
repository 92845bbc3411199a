import { SpanStatusCode, context, trace } from '@opentelemetry/api';
import { NodeTracerProvider, RandomIdGenerator } from '@opentelemetry/sdk-trace-node';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { traceIdFor } from '../spans.js';

export interface RecordedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Name of the span above; undefined for the root of a trace, and for one whose parent was not recorded. */
  readonly under: string | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly isFailed: boolean;
}

/** Switches tracing on for a spec. */
export function recordSpans() {
  const begun: ReadableSpan[] = [];
  const random = new RandomIdGenerator();
  const provider = new NodeTracerProvider({
    spanProcessors: [
      {
        onStart: (span) => void begun.push(span),
        onEnd: () => undefined,
        forceFlush: async () => undefined,
        shutdown: async () => undefined,
      },
    ],
    idGenerator: {
      generateTraceId: () => traceIdFor(context.active()) ?? random.generateTraceId(),
      generateSpanId: () => random.generateSpanId(),
    },
  });
  provider.register();
  return {
    /** Those that have ended, in the order in which they began. */
    spans: (): readonly RecordedSpan[] => {
      const names = new Map(begun.map((span) => [span.spanContext().spanId, span.name]));
      return begun
        .filter(({ ended }) => ended)
        .map((span) => ({
          name: span.name,
          traceId: span.spanContext().traceId,
          spanId: span.spanContext().spanId,
          under: names.get(span.parentSpanContext?.spanId ?? ''),
          attributes: span.attributes,
          isFailed: span.status.code === SpanStatusCode.ERROR,
        }));
    },
    stop: async () => {
      await provider.shutdown();
      trace.disable();
      context.disable();
    },
  };
}
