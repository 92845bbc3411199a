import { createHash } from 'node:crypto';
import { invalidRequest } from '@app/http-service';
import * as z from 'zod';
import { integerParameter } from './request-values.js';

const CURSOR = /^[A-Za-z0-9_-]{1,400}$/;

/** Parameters of every list. */
export const pageParameters = (rows: string) => ({
  limit: integerParameter(1, 200, `Most ${rows} on a page.`).default(50),
  cursor: z.string().optional().meta({ description: 'nextCursor of the page before.' }),
});

/** A time in a cursor. */
export const timeOfPlace = z.iso.datetime().transform((text) => new Date(text));

/**
 * One page, and the cursor of the next one. Opaque to the caller, and good only for the query that it came from: with other
 * filters the place would mean something else.
 *
 * @param found one row more than the page has, where there is a next page
 * @param query the filters and the order, without limit and cursor
 * @param identify values that identify a row, in the order of the page
 */
export function pageOf<Row>(
  found: readonly Row[],
  limit: number,
  query: object,
  identify: (last: Row) => readonly string[],
): { readonly rows: readonly Row[]; readonly nextCursor: string | null } {
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  if (found.length <= limit || last === undefined) return { rows, nextCursor: null };
  const place = JSON.stringify([fingerprintOf(query), ...identify(last)]);
  return { rows, nextCursor: Buffer.from(place).toString('base64url') };
}

/**
 * Where the page before ended; undefined for the first page.
 *
 * @throws Problem invalid-request when it is not a cursor of this query
 */
export function placeOf<Place>(
  cursor: string | undefined,
  query: object,
  schema: z.ZodType<Place>,
): Place | undefined {
  if (cursor === undefined) return undefined;
  const content: unknown = CURSOR.test(cursor) ? parsed(cursor) : undefined;
  const [fingerprint, ...parts]: unknown[] = Array.isArray(content) ? content : [];
  const place = schema.safeParse(parts);
  if (typeof fingerprint !== 'string' || !place.success) {
    throw invalidCursor('is not a cursor of an earlier answer');
  }
  if (fingerprint !== fingerprintOf(query)) {
    throw invalidCursor('comes from a query with other filters or another order');
  }
  return place.data;
}

function invalidCursor(message: string): Error {
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
