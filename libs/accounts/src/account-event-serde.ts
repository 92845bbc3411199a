import {
  accountEventDefinitions,
  type AccountEvent,
  type AccountEventType,
} from './account-events.js';
import type { EventDefinition, Field, Instant, StoredData } from './event-fields.js';
import type { PersonalText } from './personal-text.js';

/** An event's data as it is stored, with the version of that shape. */
export interface StoredAccountEvent {
  readonly type: string;
  readonly schemaVersion: number;
  readonly data: unknown;
}

/** The log holds a type, or a version of one, that this program does not know. */
export class UnknownAccountEvent extends Error {
  override readonly name = 'UnknownAccountEvent';

  constructor(
    readonly type: string,
    readonly schemaVersion: number,
  ) {
    super(`no account event is called ${type} in version ${schemaVersion}`);
  }
}

/** Stored data does not have the shape that its type and version promise. */
export class MalformedAccountEvent extends Error {
  override readonly name = 'MalformedAccountEvent';

  constructor(
    readonly type: string,
    readonly schemaVersion: number,
    readonly field: string,
  ) {
    super(`${type} in version ${schemaVersion} has no valid ${field}`);
  }
}

/** A field of an event type, with its name. */
interface NamedField extends Field<unknown, boolean> {
  readonly name: string;
}

/** A definition in the form in which replays go through it. */
interface Shape extends Omit<EventDefinition, 'fields'> {
  readonly fields: readonly NamedField[];
  readonly personalFields: readonly string[];
  readonly optionalFields: ReadonlySet<string>;
}

const shapes: ReadonlyMap<string, Shape> = new Map(
  accountEventDefinitions.map(([type, definition]) => {
    const fields = Object.entries(definition.fields).map(([name, field]): NamedField => ({
      name,
      ...field,
    }));
    const personalFields = fields.flatMap(({ name, isPersonal }) => (isPersonal ? [name] : []));
    const optional = fields.filter(({ isOptional }) => isOptional);
    const optionalFields = new Set(optional.map(({ name }) => name));
    return [type, { ...definition, fields, personalFields, optionalFields }] as const;
  }),
);

/** The types after which nothing is known of the person any more. */
export const typesThatForget: ReadonlySet<string> = new Set(
  accountEventDefinitions.flatMap(([type, { forgetsPerson }]) => (forgetsPerson ? [type] : [])),
);

/**
 * Names of the fields that hold personal data; none for a type that this program does not know.
 *
 * @param data leaves out the optional ones that this data lacks
 */
export function personalFieldsOf(type: string, data?: StoredData): readonly string[] {
  const shape = shapes.get(type);
  if (shape === undefined) return [];
  const { personalFields, optionalFields } = shape;
  if (data === undefined) return personalFields;
  return personalFields.filter((name) => data[name] !== undefined || !optionalFields.has(name));
}

/** The instant at which the event happened, by the clock of the process that caused it. */
export function instantOf({ type, data }: AccountEvent): Instant {
  return (data as Readonly<Record<string, Instant>>)[shapeOf(type).happenedAt] as Instant;
}

/** What the event says to a person: no personal data and no code. */
export function sentenceOf({ type, data }: AccountEvent): string {
  return shapeOf(type).sentence(data);
}

/** The shape to store; personal fields are still in the clear. */
export function toStored(event: AccountEvent): StoredAccountEvent {
  return {
    type: event.type,
    schemaVersion: shapeOf(event.type).schemaVersion,
    data: written(event),
  };
}

/** What people may see of an event's data; instants are text (ISO 8601, UTC). */
export function readableDataOf(event: AccountEvent): StoredData {
  return written(event, ({ isSecret }) => !isSecret);
}

/** The part of an event's data that is drawn from a list or counted: it holds no free text. */
export function listedDataOf(event: AccountEvent): StoredData {
  return written(event, ({ kind, isSecret }) => kind.name !== 'text' && !isSecret);
}

function written(event: AccountEvent, isWanted: (field: NamedField) => boolean = () => true) {
  const values: Readonly<Record<string, unknown>> = event.data;
  const wanted = shapeOf(event.type).fields.filter(
    (field) => values[field.name] !== undefined && isWanted(field),
  );
  return Object.fromEntries(wanted.map((field) => [field.name, field.write(values[field.name])]));
}

/**
 * The fact that was stored. Fields that the shape does not name are ignored.
 *
 * @throws UnknownAccountEvent for a type or version that this program does not know
 * @throws MalformedAccountEvent when a field is missing or cannot be read
 */
export function fromStored(stored: StoredAccountEvent): AccountEvent {
  return read(stored);
}

/**
 * The fact that was stored, with something else in place of every personal field, which need not be readable.
 *
 * @throws UnknownAccountEvent, MalformedAccountEvent as `fromStored`
 */
export function fromStoredHiding(stored: StoredAccountEvent, inPlace: PersonalText): AccountEvent {
  return read(stored, inPlace);
}

/**
 * Whether this program can read events of this type and version; their data is not looked at.
 *
 * @throws UnknownAccountEvent
 */
export function assertKnownAccountEvent({
  type,
  schemaVersion,
}: Omit<StoredAccountEvent, 'data'>): void {
  knownShapeOf(type, schemaVersion);
}

function knownShapeOf(type: string, schemaVersion: number): Shape {
  const shape = shapes.get(type);
  if (shape?.schemaVersion !== schemaVersion) throw new UnknownAccountEvent(type, schemaVersion);
  return shape;
}

/** Every replay does this with each event: nothing is made on the way but what is returned. */
function read(
  { type, schemaVersion, data }: StoredAccountEvent,
  inPlaceOfPersonal?: PersonalText,
): AccountEvent {
  const shape = knownShapeOf(type, schemaVersion);
  if (typeof data !== 'object' || data === null) {
    throw new MalformedAccountEvent(type, schemaVersion, 'data');
  }
  const facts: Record<string, unknown> = {};
  for (const field of shape.fields) {
    const stored = (data as StoredData)[field.name];
    if (stored === undefined && field.isOptional) continue;
    const value = field.read(
      field.isPersonal && inPlaceOfPersonal !== undefined ? inPlaceOfPersonal : stored,
    );
    if (value === undefined) throw new MalformedAccountEvent(type, schemaVersion, field.name);
    facts[field.name] = value;
  }
  return { type, data: facts } as AccountEvent;
}

function shapeOf(type: AccountEventType): Shape {
  const shape = shapes.get(type);
  if (shape === undefined) throw new UnknownAccountEvent(type, Number.NaN);
  return shape;
}
