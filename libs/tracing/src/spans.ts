import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  context,
  createContextKey,
  propagation,
  trace,
} from '@opentelemetry/api';
import type { Context, Span } from '@opentelemetry/api';

const CORRELATION_ID = createContextKey('correlation id');

interface SpanOptions {
  readonly kind?: keyof typeof SpanKind;
  /** Of the request or piece of work that a trace begins with: the trace gets its id (see `traceIdFor`). */
  readonly correlationId?: string;
  /** No personal data, no secret, and nothing that a caller wrote. */
  readonly attributes?: Readonly<Record<string, string | number | readonly string[]>>;
}

/** What an event keeps of the span that appended it. */
interface Traced {
  readonly type: string;
  readonly metadata: { readonly traceparent?: string };
}

/**
 * The id of a trace is the correlation id (UUID) without its hyphens, so that the id in an answer, a log line or an event
 * finds the trace. Undefined for what is no UUID, and where no trace begins with a correlation id.
 */
export function traceIdFor(within: Context): string | undefined {
  const hex = String(within.getValue(CORRELATION_ID)).replaceAll('-', '');
  return /^[0-9a-f]{32}$/.test(hex) && !/^0+$/.test(hex) ? hex : undefined;
}

/**
 * Does a piece of work as a span of the trace at hand, or of a new one. One that throws shows the error's name alone.
 * Costs next to nothing until `exportSpans` (otlp.ts) has switched tracing on.
 */
export function inSpan<Result>(
  name: string,
  options: SpanOptions,
  work: (span: Span) => Promise<Result>,
): Promise<Result> {
  return within(begin(context.active(), name, options), work);
}

/**
 * Does what follows from events, with a span in the trace of each that has one. The work of a single event is part of its
 * trace; what is done for several at once belongs to none of them.
 */
export async function inSpansAfter<Result>(
  name: string,
  events: readonly Traced[],
  work: () => Promise<Result>,
): Promise<Result> {
  const spans = events.flatMap(({ type, metadata }) => {
    if (typeof metadata.traceparent !== 'string') return [];
    const parent = propagation.extract(ROOT_CONTEXT, { traceparent: metadata.traceparent });
    if (!trace.getSpanContext(parent)) return [];
    return [begin(parent, name, { kind: 'CONSUMER', attributes: { 'event.type': type } })];
  });
  const [first, ...others] = spans;
  if (!first) return work();
  if (others.length === 0 && events.length === 1) return within(first, work);
  try {
    return await work();
  } catch (error) {
    for (const span of spans) fail(span, error);
    throw error;
  } finally {
    for (const span of spans) span.end();
  }
}

/** For work that is done later, from elsewhere: does it as part of the span at hand now. */
export function keptSpan(): <Result>(work: () => Result) => Result {
  const here = context.active();
  return (work) => context.with(here, work);
}

/** The span at hand as W3C's `traceparent`; undefined while tracing is off, and for a trace that is not recorded. */
export function traceparent(): string | undefined {
  const flags = trace.getSpanContext(context.active())?.traceFlags ?? TraceFlags.NONE;
  if ((flags & TraceFlags.SAMPLED) === 0) return undefined;
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}

/** The spans of the requests that a server answers by hooks, and not in one function. */
export class RequestSpans<Request extends object> {
  private readonly spans = new WeakMap<Request, Span>();

  /** What the caller calls its own trace is not believed: callers can repeat that of another. */
  begin(request: Request, correlationId: string): void {
    this.spans.set(request, begin(ROOT_CONTEXT, 'request', { kind: 'SERVER', correlationId }));
  }

  /** Continues a request as part of its span. */
  continue(request: Request, next: () => void): void {
    const span = this.spans.get(request);
    if (span) context.with(trace.setSpan(context.active(), span), next);
    else next();
  }

  /** @param status of the answer; undefined for one that the caller did not wait for */
  end(request: Request, method: string, route: string, status?: number): void {
    const span = this.spans.get(request);
    if (!span) return;
    this.spans.delete(request);
    span.updateName(`${method} ${route}`);
    span.setAttributes({ 'http.request.method': method, 'http.route': route });
    if (status !== undefined) span.setAttribute('http.response.status_code', status);
    if (status === undefined || status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  }
}

function begin(
  parent: Context,
  name: string,
  { kind = 'INTERNAL', correlationId, attributes }: SpanOptions,
): Span {
  const from = correlationId ? parent.setValue(CORRELATION_ID, correlationId) : parent;
  return context.with(from, () =>
    trace.getTracer('registration').startSpan(name, {
      kind: SpanKind[kind],
      attributes: {
        ...(correlationId && { 'correlation.id': correlationId }),
        ...(attributes as Record<string, string>),
      },
    }),
  );
}

function within<Result>(span: Span, work: (span: Span) => Promise<Result>): Promise<Result> {
  return context.with(trace.setSpan(context.active(), span), async () => {
    try {
      return await work(span);
    } catch (error) {
      fail(span, error);
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Messages of errors may quote what a caller or another server wrote. */
function fail(span: Span, error: unknown): void {
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttribute('error.type', error instanceof Error ? error.name : typeof error);
}
