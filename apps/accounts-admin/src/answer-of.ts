import type * as z from 'zod';

/** What an answer is made of: a time for an ISO 8601 text, a position for a text of digits, undefined for null. */
type Source<Answer> = {
  readonly [Name in keyof Answer]:
    | Answer[Name]
    | (null extends Answer[Name] ? undefined : never)
    | (string extends Answer[Name] ? Date | bigint : never);
};

/** The members that the schema names, as JSON has them; what else the source has stays inside. */
export function answerOf<Schema extends z.ZodObject>(
  { shape }: Schema,
  source: Source<z.output<Schema>>,
): z.output<Schema> {
  const values = source as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    Object.keys(shape).map((name) => [name, inJson(values[name])]),
  ) as z.output<Schema>;
}

function inJson(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'bigint' ? String(value) : (value ?? null);
}
