export { escapeHtml, htmlPage, pagePolicy, sourceOf } from './html-page.js';
export { listen } from './listen.js';
export { measureAnswers } from './measure-answers.js';
export { NestLog } from './nest-log.js';
export {
  Problem,
  commonFieldCodes,
  commonProblems,
  invalidRequest,
  problemType,
  retryAfterHeader,
  serviceUnavailable,
  withSentences,
} from './problem.js';
export type { FieldError, FieldFault, FieldSentences, ProblemType } from './problem.js';
export type { ProblemTable } from './problem-filter.js';
export { callerRequestIdOf } from './request-id.js';
