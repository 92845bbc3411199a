import { createHash } from 'node:crypto';
import { invalidRequest } from '@app/http-service';

const CURSOR = /^[A-Za-z0-9_-]{1,400}$/;

/**
 * Where a page ended, for the next one. Opaque to the caller, and good only for the query that it came
 * from: with other filters the place would mean something else.
 *
 * @param query the filters and the order, without limit and cursor
 */
export function cursorOf(place: readonly string[], query: object): string {
  return Buffer.from(JSON.stringify([fingerprintOf(query), ...place])).toString('base64url');
}

/**
 * @param parts how many parts the place has
 * @throws Problem invalid-request when it is not a cursor of this query
 */
export function placeOf(cursor: string, query: object, parts: number): readonly string[] {
  const content: unknown = CURSOR.test(cursor) ? parsed(cursor) : undefined;
  if (!Array.isArray(content) || !content.every((part) => typeof part === 'string')) {
    throw invalidCursor('is not a cursor of an earlier answer');
  }
  const [fingerprint, ...place] = content;
  if (place.length !== parts) throw invalidCursor('is not a cursor of an earlier answer');
  if (fingerprint !== fingerprintOf(query)) {
    throw invalidCursor('comes from a query with other filters or another order');
  }
  return place;
}

export function invalidCursor(message: string): Error {
  return invalidRequest([{ field: 'cursor', message }]);
}

function fingerprintOf(query: object): string {
  return createHash('sha256').update(JSON.stringify(query)).digest('base64url').slice(0, 16);
}

function parsed(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    // A made-up cursor is answered like any other invalid one.
    return undefined;
  }
}
