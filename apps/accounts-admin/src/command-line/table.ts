export interface TableColumn<Row> {
  readonly title: string;
  readonly align?: 'left' | 'right';
  value(row: Row): unknown;
}

/** Lines of a table for people; what is not there is a hyphen. */
export function tableOf<Row>(rows: readonly Row[], columns: readonly TableColumn<Row>[]): string {
  if (rows.length === 0) return 'Nothing.';
  const cells = rows.map((row) => columns.map((column) => textOf(column.value(row))));
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...cells.map((row) => (row[index] ?? '').length)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, index) => {
        const width = widths[index] ?? 0;
        return columns[index]?.align === 'right' ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [
    line(columns.map(({ title }) => title)),
    line(widths.map((width) => '─'.repeat(width))),
    ...cells.map(line),
  ].join('\n');
}

/** Lines `name  value`, for one thing. */
export function listOf(entries: readonly (readonly [string, unknown])[]): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${name.padEnd(width)}  ${textOf(value)}`).join('\n');
}

export function textOf(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-';
  if (Array.isArray(value)) return value.map(textOf).join(' ') || '-';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** What to type for the page after this one; nothing at the last. */
export function nextPage({ nextCursor }: Readonly<Record<string, unknown>>): string {
  return nextCursor ? `\n\nMore: add --cursor ${textOf(nextCursor)}` : '';
}
