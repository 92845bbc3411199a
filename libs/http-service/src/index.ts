export { PortNotAvailable, listen } from './listen.js';
export { createHttpService } from './http-service.js';
export type { HttpAnswer, HttpServiceOptions } from './http-service.js';
export { measureAnswers } from './measure-answers.js';
export {
  describeProblems,
  problemSchema,
  requestIdHeader,
  serveApiDescription,
  toSchemaObject,
  typesOfProblems,
} from './open-api.js';
export { NestLog } from './nest-log.js';
export {
  Problem,
  commonProblems,
  invalidRequest,
  problemDocument,
  problemType,
  retryAfterHeader,
  serviceUnavailable,
} from './problem.js';
export type { FieldError, ProblemType } from './problem.js';
export type { ProblemTable } from './problem-filter.js';
export { callerRequestIdOf } from './request-id.js';
