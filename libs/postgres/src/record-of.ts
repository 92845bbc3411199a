/** The columns that a record is read from: `issued_at` for `issuedAt`, null for undefined. */
export type ColumnsOf<View> = {
  readonly [Name in keyof View & string as ColumnOf<Name>]: undefined extends View[Name]
    ? Exclude<View[Name], undefined> | null
    : View[Name];
};

type ColumnOf<Name extends string> = Name extends `${infer Letter}${infer Rest}`
  ? `${Letter extends Lowercase<Letter> ? Letter : `_${Lowercase<Letter>}`}${ColumnOf<Rest>}`
  : Name;

/** A row with the names of the program. Columns that the record does not name stay in it. */
export function recordOf<View>(row: ColumnsOf<View>): View {
  const entries = Object.entries(row).map(([column, value]) => [
    column.replace(/_[a-z]/g, ([, letter = '']) => letter.toUpperCase()),
    value ?? undefined,
  ]);
  return Object.fromEntries(entries) as View;
}
