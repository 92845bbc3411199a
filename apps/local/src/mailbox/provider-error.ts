/** A refusal in the provider's words: `{ statusCode, name, message }` is what the caller gets to read. */
export class ProviderError extends Error {
  constructor(
    /** HTTP status, 400 to 599. */
    readonly status: number,
    /** The provider's stable name of the refusal, e.g. `missing_required_field`. */
    readonly errorName: string,
    message: string,
    readonly retryAfterSeconds?: number,
  ) {
    super(message);
    this.name = 'ProviderError';
  }
}

/** The provider's error document. */
export function errorDocument({ status, errorName, message }: ProviderError): object {
  return { statusCode: status, name: errorName, message };
}

const NAMES: Readonly<Record<number, string>> = {
  400: 'validation_error',
  401: 'missing_api_key',
  403: 'invalid_api_key',
  404: 'not_found',
  405: 'method_not_allowed',
  409: 'concurrent_idempotent_requests',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  422: 'validation_error',
  429: 'rate_limit_exceeded',
  500: 'application_error',
  503: 'service_unavailable',
};

/** The provider's name for a status that has no more telling one. */
export function errorNameOf(status: number): string {
  return NAMES[status] ?? (status >= 500 ? 'internal_server_error' : 'validation_error');
}
