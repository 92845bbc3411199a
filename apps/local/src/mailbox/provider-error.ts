/** A refusal in the provider's words: `{ statusCode, name, message }` is what the caller gets to read. */
export class ProviderError extends Error {
  /** The provider's stable name of the refusal, e.g. `missing_required_field`. */
  readonly errorName: string;
  readonly retryAfterSeconds: number | undefined;

  /**
   * @param status HTTP status, 400 to 599
   * @param options `errorName`: where the status has a more telling one than its usual name
   */
  constructor(
    readonly status: number,
    message: string,
    options: { errorName?: string; retryAfterSeconds?: number | undefined } = {},
  ) {
    super(message);
    this.name = 'ProviderError';
    this.errorName = options.errorName ?? usualNameOf(status);
    this.retryAfterSeconds = options.retryAfterSeconds;
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

function usualNameOf(status: number): string {
  return NAMES[status] ?? (status >= 500 ? 'internal_server_error' : 'validation_error');
}
