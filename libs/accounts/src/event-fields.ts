import { erased, isErased, type PersonalText } from './personal-text.js';

/** Milliseconds since the Unix epoch. */
export type Instant = number;

/** What a field can hold: for reading and writing, for documents, and for generators of examples. */
export type FieldKind =
  | { readonly name: 'text' }
  | { readonly name: 'instant' }
  | { readonly name: 'whole-number'; readonly least: number }
  | { readonly name: 'word'; readonly words: readonly string[] };

/** One field of a stored event. */
export interface Field<Value, IsOptional extends boolean = false> {
  readonly kind: FieldKind;
  /** What JSON holds of it. */
  write(value: Value): unknown;
  /** Undefined for what cannot be read. */
  read(stored: unknown): Value | undefined;
  /** Whether an event may lack it. */
  readonly isOptional: IsOptional;
  /** Personal data: sealed in the log. */
  readonly isPersonal: boolean;
  /** Shown to no operator, because a password or a code could be found with it. */
  readonly isSecret: boolean;
  /** For docs/events.md. */
  readonly note?: string;
}

const plain = { isOptional: false, isPersonal: false, isSecret: false } as const;

export const text: Field<string> = {
  ...plain,
  kind: { name: 'text' },
  write: (value) => value,
  read: (stored) => (typeof stored === 'string' ? stored : undefined),
};

/** ISO 8601 in UTC with milliseconds: what a person reads in the log. */
export const instant: Field<Instant> = {
  ...plain,
  kind: { name: 'instant' },
  write: (value) => new Date(value).toISOString(),
  read: (stored) => {
    if (typeof stored !== 'string') return undefined;
    const value = Date.parse(stored);
    return !Number.isNaN(value) && new Date(value).toISOString() === stored ? value : undefined;
  },
};

export function wholeNumberFrom(least: number): Field<number> {
  return {
    ...plain,
    kind: { name: 'whole-number', least },
    write: (value) => value,
    read: (stored) =>
      typeof stored === 'number' && Number.isSafeInteger(stored) && stored >= least
        ? stored
        : undefined,
  };
}

export function oneOf<const Word extends string>(...words: readonly Word[]): Field<Word> {
  return {
    ...plain,
    kind: { name: 'word', words },
    write: (value) => value,
    read: (stored) => words.find((word) => word === stored),
  };
}

/** Personal text, or `erased`. */
export const personalText: Field<PersonalText> = {
  ...text,
  isPersonal: true,
  write: (value) => value,
  read: (stored) => (isErased(stored) ? erased : text.read(stored)),
};

/** The same field, shown to no operator. */
export function secret<Value>(field: Field<Value>): Field<Value> {
  return { ...field, isSecret: true };
}

/** A field that not every event of the type has. */
export function optional<Value>(field: Field<Value>, note: string): Field<Value, true> {
  return { ...field, isOptional: true, note };
}

export type Fields = Readonly<Record<string, Field<unknown, boolean>>>;

type ValueOf<One> = One extends Field<infer Value, boolean> ? Value : never;
type OptionalName<Of extends Fields> = {
  [Name in keyof Of]: Of[Name] extends { readonly isOptional: true } ? Name : never;
}[keyof Of];

/** The data of an event with these fields. */
export type DataOf<Of extends Fields> = {
  readonly [Name in Exclude<keyof Of, OptionalName<Of>>]: ValueOf<Of[Name]>;
} & {
  readonly [Name in OptionalName<Of>]?: ValueOf<Of[Name]>;
};

type InstantName<Of extends Fields> = {
  [Name in keyof Of]: Of[Name] extends Field<Instant> ? Name : never;
}[keyof Of];

/** All that this program knows of one type of event. */
export interface EventDefinition<Of extends Fields = Fields> {
  /** When it is recorded, for docs/events.md. */
  readonly meaning: string;
  /** Of the stored shape; raised when that shape changes. */
  readonly schemaVersion: number;
  readonly fields: Of;
  /** The field that says when it happened, by the clock of the process that caused it. */
  readonly happenedAt: InstantName<Of> & string;
  /** After it nothing is known of the person any more. */
  readonly forgetsPerson?: true;
  /** What it says to a person: no personal data, no code. */
  readonly sentence: (data: DataOf<Of>) => string;
  /** Data as it is stored today. Samples are only added: what is stored once must be read for ever. */
  readonly samples: readonly [StoredData, ...StoredData[]];
  /** Data that an earlier program stored, and that is no longer written. */
  readonly outdatedSamples?: readonly StoredData[];
}

export type StoredData = Readonly<Record<string, unknown>>;

/** Lets the compiler work out the data from the fields. */
export function defineEvent<const Of extends Fields>(
  definition: EventDefinition<Of>,
): EventDefinition<Of> {
  return definition;
}
