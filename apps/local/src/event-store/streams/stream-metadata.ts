/** What stream metadata say about which events can still be read. */
export interface StreamMetadata {
  /** Only so many of the newest events. */
  readonly maxCount: number;
  /** Only events younger than so many seconds. */
  readonly maxAgeSeconds: number;
  /** Only events at or after this revision. */
  readonly truncateBefore: number;
  /** Deleted in the way that lets the stream come back. */
  readonly isDeleted: boolean;
}

export const NO_LIMITS: StreamMetadata = {
  maxCount: Infinity,
  maxAgeSeconds: Infinity,
  truncateBefore: 0,
  isDeleted: false,
};

/** A metastream shows only its newest event. */
export const METASTREAM_LIMITS: StreamMetadata = { ...NO_LIMITS, maxCount: 1 };

/** `$tb` of a deleted stream: 2^63 − 1, which JavaScript rounds to 2^63. */
const DELETED = 2 ** 63;
const DELETED_JSON = '{"$tb":9223372036854775807}';

/** Reads the data of a `$metadata` event; anything that is not understood limits nothing. */
export function parseStreamMetadata(data: Buffer): StreamMetadata {
  const values = parseObject(data);
  const truncateBefore = limit(values['$tb'], 0);
  return {
    maxCount: limit(values['$maxCount'], Infinity),
    maxAgeSeconds: limit(values['$maxAge'], Infinity),
    truncateBefore,
    isDeleted: truncateBefore >= DELETED,
  };
}

/** Data of the `$metadata` event that deletes a stream. */
export function deletedMetadata(): Buffer {
  return Buffer.from(DELETED_JSON);
}

/** The same metadata with `$tb` moved to the first revision that is to be read again. */
export function withTruncateBefore(data: Buffer, truncateBefore: number): Buffer {
  return Buffer.from(JSON.stringify({ ...parseObject(data), $tb: truncateBefore }));
}

function limit(value: unknown, otherwise: number): number {
  return typeof value === 'number' && value >= 0 ? value : otherwise;
}

function parseObject(data: Buffer): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(data.toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
  return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
    ? (parsed as Record<string, unknown>)
    : {};
}
