/** One kind of error an API answers with; the slug is part of the contract and never changes. */
export interface ProblemType {
  /** Last segment of the problem's type URI: `/problems/<slug>`. */
  readonly slug: string;
  readonly status: number;
  readonly title: string;
  /** For the page behind the type URI: what happened and what the caller can do about it. */
  readonly explanation: string;
}

/** Keeps TypeScript's view of each problem by its name, and the slug beside it. */
export function problemType(
  slug: string,
  status: number,
  title: string,
  explanation: string,
): ProblemType {
  return { slug, status, title, explanation };
}

/** An error that is answered as an RFC 9457 problem document. */
export class Problem extends Error {
  /**
   * @param detail says what to change; shown to the caller, so never with secrets in it
   * @param extras further members of the document, and headers of the answer
   */
  constructor(
    readonly type: ProblemType,
    readonly detail: string,
    readonly extras: {
      readonly members?: Readonly<Record<string, unknown>>;
      readonly headers?: Readonly<Record<string, string>>;
      readonly cause?: unknown;
    } = {},
  ) {
    super(detail, { cause: extras.cause });
    this.name = 'Problem';
  }
}

/** What is wrong with a field, for programs; a service adds those of its own rules. */
export const commonFieldCodes = [
  'invalid-value',
  'wrong-type',
  'unknown-field',
  'not-an-object',
  'ambiguous-key',
  'malformed-body',
  'malformed-request',
] as const;

/** One field of a request that has to change. */
export interface FieldFault {
  readonly field: string;
  /** English. */
  readonly message: string;
  /** `invalid-value` when left out. */
  readonly code?: string;
  /** What the sentence is made with, such as the least length. */
  readonly parameters?: Readonly<Record<string, string | number>> | undefined;
}

/** The same, as it stands in the answer. */
export type FieldError = FieldFault & { readonly code: string };

/** The sentences of one language. */
export interface FieldSentences {
  /** As in Content-Language. */
  readonly language: string;
  /** Of an invalid request. */
  readonly title: string;
  /** Undefined for a code without a sentence: the English one stays. */
  sentenceOf(error: FieldError): string | undefined;
}

/** Problems that any HTTP service of ours can have. */
export const commonProblems = {
  invalidRequest: problemType(
    'invalid-request',
    400,
    'The request is not valid',
    'The body or a parameter has a fault. The member "errors" names each field and what is allowed.',
  ),
  unauthenticated: problemType(
    'unauthenticated',
    401,
    'Credentials are missing or wrong',
    'The call needs credentials, and those that were sent (if any) are not right. The header WWW-Authenticate says which kind is wanted.',
  ),
  pathRefused: problemType(
    'path-refused',
    403,
    'This path is not served',
    'The path contains ".", "..", "//", a backslash, or a name that no file can have. Send the path of a file as it is.',
  ),
  notFound: problemType(
    'not-found',
    404,
    'There is nothing at this address',
    'The path of the request names nothing this service has. GET /openapi.json lists what it has.',
  ),
  methodNotAllowed: problemType(
    'method-not-allowed',
    405,
    'The method is not allowed here',
    'The path exists, but not with this method. The header Allow names the methods it takes.',
  ),
  requestTimeout: problemType(
    'request-timeout',
    408,
    'The request took too long to arrive',
    'The service waited for the rest of the request in vain and closed the connection. Send it again without a pause.',
  ),
  preconditionFailed: problemType(
    'precondition-failed',
    412,
    'The file is another one than the request wants',
    'The header If-Match or If-Unmodified-Since does not hold for the file. Send the request without it.',
  ),
  payloadTooLarge: problemType(
    'payload-too-large',
    413,
    'The body is too large',
    'The body is larger than any valid request. Send a smaller one.',
  ),
  unsupportedMediaType: problemType(
    'unsupported-media-type',
    415,
    'The body must be JSON',
    'Send the body as JSON in UTF-8 with the header Content-Type: application/json.',
  ),
  rangeNotSatisfiable: problemType(
    'range-not-satisfiable',
    416,
    'The file does not have the wanted part',
    'The header Range names bytes that the file does not have. Send the request without it.',
  ),
  headersTooLarge: problemType(
    'headers-too-large',
    431,
    'The headers are too large',
    'The request line and headers together are larger than the service reads. Send fewer or shorter ones.',
  ),
  requestRefused: problemType(
    'request-refused',
    400,
    'The request is not taken in this form',
    'The service cannot do anything with the request; its status from 400 to 499 says more. Compare the request with the description of the API.',
  ),
  internalError: problemType(
    'internal-error',
    500,
    'The service failed',
    'Something went wrong on our side. Repeating the call is safe; the request id helps us to find the cause.',
  ),
  serviceUnavailable: problemType(
    'service-unavailable',
    503,
    'The service is not available for a moment',
    'A part the service depends on does not answer, or there is more work than it can do. Repeat the call after the time in the header Retry-After.',
  ),
} as const satisfies Record<string, ProblemType>;

/** A request with faults in its fields, each named with what is allowed. */
export function invalidRequest(faults: readonly FieldFault[]): Problem {
  const errors = faults.map(
    ({ field, code = 'invalid-value', message, parameters }): FieldError => ({
      field,
      code,
      message,
      ...(parameters && { parameters }),
    }),
  );
  return new Problem(commonProblems.invalidRequest, detailOf(errors), { members: { errors } });
}

/** The same problem with what it says of fields in another language. */
export function withSentences(problem: Problem, sentences: FieldSentences): Problem {
  const { type, extras } = problem;
  if (type !== commonProblems.invalidRequest) return problem;
  const errors = ((extras.members?.['errors'] ?? []) as readonly FieldError[]).map((error) => ({
    ...error,
    message: sentences.sentenceOf(error) ?? error.message,
  }));
  return new Problem({ ...type, title: sentences.title }, detailOf(errors), {
    ...extras,
    members: { ...extras.members, errors },
    headers: { ...extras.headers, 'Content-Language': sentences.language },
  });
}

function detailOf(errors: readonly FieldError[]): string {
  return errors.map(({ field, message }) => `${field}: ${message}`).join('; ');
}

/** @param retryAfterSeconds when repeating the call makes sense, in seconds from now */
export function serviceUnavailable(
  detail: string,
  retryAfterSeconds: number,
  cause?: unknown,
): Problem {
  return new Problem(commonProblems.serviceUnavailable, detail, {
    headers: { 'Retry-After': retryAfterHeader(retryAfterSeconds) },
    cause,
  });
}

/** Whole seconds, rounded up so that a caller who obeys is never early. */
export function retryAfterHeader(seconds: number): string {
  return String(Math.max(1, Math.ceil(seconds)));
}

/** The problem document as it stands in the answer's body. */
export function problemDocument(
  { type, detail, extras }: Problem,
  requestId: string,
): Record<string, unknown> {
  const retryAfter = extras.headers?.['Retry-After'];
  return {
    type: `/problems/${type.slug}`,
    title: type.title,
    status: type.status,
    detail,
    instance: `urn:uuid:${requestId}`,
    requestId,
    // For clients that cannot read headers, such as pages of other origins behind a proxy that hides them.
    ...(retryAfter !== undefined && { retryAfterSeconds: Number(retryAfter) }),
    ...extras.members,
  };
}
