/**
 * PostgreSQL's text form of an array whose elements need no quotes: numbers, UUIDs, instants, words.
 * For large arrays far quicker than the driver, which escapes every element.
 *
 * @throws RangeError for an element that would need quotes
 */
export function plainArray(values: readonly (string | number | bigint | Date | null)[]): string {
  const text = values
    .map((value) => (value instanceof Date ? value.toISOString() : (value ?? 'NULL')))
    .join(',');
  if (NEEDS_QUOTES.test(text)) throw new RangeError('an element of the array needs quotes');
  return `{${text}}`;
}

const NEEDS_QUOTES = /[^0-9A-Za-z,:.+_-]/;
