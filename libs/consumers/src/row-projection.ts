import type { LogPosition, StreamRevision } from '@app/event-store';
import type { NamedStatement, Queryable } from '@app/postgres';
import { plainArray } from '@app/postgres';
import type { ProjectedEvent, Projection } from './projection.js';

/** A column's type in SQL; `Value` is what rows hold in TypeScript. */
export interface Column<Value> {
  readonly type: 'uuid' | 'text' | 'int' | 'bigint' | 'timestamptz';
  readonly value?: Value;
}

export function column<Value>(type: Column<Value>['type']): Column<Value> {
  return { type };
}

/** The row that has these columns. */
export type RowOf<Columns> = {
  readonly [Field in keyof Columns]: Columns[Field] extends Column<infer Value> ? Value : never;
};

/**
 * What a row shows after one more fact, by type of fact. A fact without a case changes no row. The fact meets every
 * row of its stream, and `undefined`, which is the row that may begin with it.
 *
 * @returns the whole row, or `undefined` where the fact changes nothing
 */
export type Fold<Event extends Fact, Row> = {
  readonly [Type in Event['type']]?: (
    row: Row | undefined,
    data: Extract<Event, { type: Type }>['data'],
    streamId: string,
  ) => Row | undefined;
};

interface Fact {
  readonly type: string;
  readonly data: unknown;
}

export interface RowProjectionDefinition<Event extends Fact, Columns> extends Pick<
  Projection<Event>,
  'name' | 'streamNamePrefixes' | 'table'
> {
  /** Of every field of a row; `registeredAt` is the column `registered_at`. */
  readonly columns: Columns;
  /** The primary key. Its first column, a UUID, holds what `streamId` returns. */
  readonly key: readonly [keyof Columns & string, ...(keyof Columns & string)[]];
  /** Taken from the name of the stream. */
  readonly streamId: (streamName: string) => string;
  /** Whether the fact is the first of its stream that makes a row: there is none to be read. */
  readonly begins: (fact: ProjectedEvent<Event>) => boolean;
  /** Condition in SQL: rows for which it is false change no more. */
  readonly mayChange?: string;
  readonly fold: Fold<Event, RowOf<Columns>>;
}

/** Which fact changed a row last. */
const lastChange = {
  revision: column<StreamRevision>('bigint'),
  position: column<LogPosition>('bigint'),
};

/** `registeredAt` -> `registered_at` */
export function columnName(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * A projection whose rows each follow one stream: the rows of the streams concerned are read, every fact is folded
 * into them in memory, and those that changed are written in one statement, however few or many. A row is changed by
 * facts of a higher revision only, so that facts which come again change nothing.
 */
export function rowProjection<Event extends Fact, Columns extends Record<string, Column<unknown>>>(
  definition: RowProjectionDefinition<Event, Columns>,
): Projection<Event> {
  const { name, streamNamePrefixes, table, key, streamId, begins, mayChange } = definition;
  type Row = RowOf<Columns> & RowOf<typeof lastChange>;
  // Each case takes the data of its own type, and is called with no other.
  const fold = definition.fold as Readonly<
    Record<
      string,
      (row: Row | undefined, data: unknown, streamId: string) => RowOf<Columns> | undefined
    >
  >;
  const eventTypes: ReadonlySet<string> = new Set(Object.keys(fold));
  const columns = Object.entries({ ...definition.columns, ...lastChange });
  const names = columns.map(([field]) => columnName(field));
  const keyNames = key.map(columnName);

  return { name, streamNamePrefixes, table, eventTypes, write, singleWrite };

  async function write(
    transaction: Queryable,
    into: string,
    events: readonly ProjectedEvent<Event>[],
  ): Promise<void> {
    const facts = events.filter(({ event }) => eventTypes.has(event.type));
    const changed = changedBy(facts, await rowsBefore(transaction, into, streamsToRead(facts)));
    if (changed.length > 0) await transaction.query(upsert(into, changed));
  }

  function singleWrite(
    into: string,
    events: readonly ProjectedEvent<Event>[],
  ): NamedStatement | undefined {
    const facts = events.filter(({ event }) => eventTypes.has(event.type));
    if (streamsToRead(facts).length > 0) return undefined;
    const changed = changedBy(facts, new Map());
    return changed.length > 0
      ? upsert(into, changed, 'where exists (select from moved)')
      : undefined;
  }

  /** @param rows as they are before, by stream; afterwards as they are then */
  function changedBy(
    facts: readonly ProjectedEvent<Event>[],
    rows: Map<string, Row[]>,
  ): readonly Row[] {
    const unchanged = new Set([...rows.values()].flat());
    for (const { streamName, revision, position, event } of facts) {
      const id = streamId(streamName);
      const after = fold[event.type];
      const known = rows.get(id) ?? [];
      known.forEach((row, index) => {
        const shown = row.revision < revision ? after?.(row, event.data, id) : undefined;
        if (shown) known[index] = { ...shown, revision, position };
      });
      const begun = after?.(undefined, event.data, id);
      if (begun === undefined || known.some((row) => hasSameKey(row, begun))) continue;
      known.push({ ...begun, revision, position });
      rows.set(id, known);
    }
    return [...rows.values()].flat().filter((row) => !unchanged.has(row));
  }

  function hasSameKey(one: RowOf<Columns>, other: RowOf<Columns>): boolean {
    return key.every((field) => one[field] === other[field]);
  }

  /** Rows of streams that begin with these facts are not there yet. */
  function streamsToRead(facts: readonly ProjectedEvent<Event>[]): readonly string[] {
    const begun = new Set<string>();
    const known = new Set<string>();
    for (const fact of facts) {
      if (begins(fact)) begun.add(fact.streamName);
      else if (!begun.has(fact.streamName)) known.add(streamId(fact.streamName));
    }
    return [...known];
  }

  /** Locked: this write must not undo what another process changes in the row meanwhile. */
  async function rowsBefore(
    transaction: Queryable,
    from: string,
    streams: readonly string[],
  ): Promise<Map<string, Row[]>> {
    const byStream = new Map<string, Row[]>();
    if (streams.length === 0) return byStream;
    const { rows } = await transaction.query<Row>({
      name: `rows before, ${from}`,
      text: `select ${columns.map(([field], index) => `${names[index]} as "${field}"`).join(', ')}
             from ${from}
             where ${keyNames[0]} = any($1::uuid[]) ${mayChange ? `and ${mayChange}` : ''}
             order by ${keyNames.join(', ')} for update`,
      values: [plainArray(streams)],
    });
    for (const row of rows) {
      const id = String(row[key[0]]);
      byStream.set(id, [...(byStream.get(id) ?? []), row]);
    }
    return byStream;
  }

  function upsert(into: string, rows: readonly Row[], condition = ''): NamedStatement {
    const shown = names.filter((column) => !keyNames.includes(column));
    return {
      name: `rows after, ${into}`,
      text: `insert into ${into} as stored (${names.join(', ')})
             select * from unnest(${columns.map(([, { type }], index) => `$${index + 1}::${type}[]`).join(', ')})
             ${condition}
             on conflict (${keyNames.join(', ')}) do update
               set ${shown.map((column) => `${column} = excluded.${column}`).join(', ')}
               where stored.revision < excluded.revision`,
      values: columns.map(([field, { type }]) => {
        const values = rows.map((row) => row[field as keyof Row]);
        return type === 'text' ? values : plainArray(values as Parameters<typeof plainArray>[0]);
      }),
    };
  }
}
