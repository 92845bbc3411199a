export { RequestSpans, inSpan, inSpansAfter, keptSpan, traceparent } from './spans.js';
