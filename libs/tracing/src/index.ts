export { inSpan, inSpansAfter, keptSpan, requestSpans, traceparent } from './spans.js';
