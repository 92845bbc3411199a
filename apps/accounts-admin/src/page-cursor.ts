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
 * @param query with the filters and the order
 * @param place what `identify` tells of the last row
 * @param read so many rows after that place
 * @param identify values that identify a row, in the order of the page
 * @throws Problem invalid-request when the cursor is not one of this query
 */
export async function readPage<Row, Place>(
  { cursor, limit, ...filters }: { readonly cursor?: string | undefined; readonly limit: number },
  place: z.ZodType<Place>,
  read: (page: {
    readonly limit: number;
    readonly after: Place | undefined;
  }) => Promise<readonly Row[]>,
  identify: (last: Row) => readonly string[],
): Promise<{ readonly rows: readonly Row[]; readonly nextCursor: string | null }> {
  const after = cursor === undefined ? undefined : placeOf(cursor, filters, place);
  // One row more than the page has, where there is a next page.
  const found = await read({ limit: limit + 1, after });
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  if (found.length <= limit || last === undefined) return { rows, nextCursor: null };
  const text = JSON.stringify([fingerprintOf(filters), ...identify(last)]);
  return { rows, nextCursor: Buffer.from(text).toString('base64url') };
}

/** Where the page before ended. */
function placeOf<Place>(cursor: string, filters: object, schema: z.ZodType<Place>): Place {
  const content: unknown = CURSOR.test(cursor) ? parsed(cursor) : undefined;
  const [fingerprint, ...parts]: unknown[] = Array.isArray(content) ? content : [];
  const place = schema.safeParse(parts);
  if (typeof fingerprint !== 'string' || !place.success) {
    throw invalidCursor('is not a cursor of an earlier answer');
  }
  if (fingerprint !== fingerprintOf(filters)) {
    throw invalidCursor('comes from a query with other filters or another order');
  }
  return place.data;
}

function invalidCursor(message: string): Error {
  return invalidRequest([{ field: 'cursor', message }]);
}

function fingerprintOf(filters: object): string {
  return createHash('sha256').update(JSON.stringify(filters)).digest('base64url').slice(0, 16);
}

function parsed(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    // A made-up cursor is answered like any other invalid one.
    return undefined;
  }
}
