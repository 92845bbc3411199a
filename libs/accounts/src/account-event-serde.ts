import {
  erasureReasons,
  type AccountEvent,
  type AccountEventType,
  type Instant,
} from './account-events.js';
import { defaultMailLanguage, mailLanguages } from './mail-language.js';
import { erased, isErased, type PersonalText } from './personal-text.js';

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

type DataOf<Type extends AccountEventType> = Extract<AccountEvent, { type: Type }>['data'];

/** Both ways of one field; `read` answers undefined for what cannot be read. */
interface Field<Value> {
  write(value: Value): unknown;
  read(stored: unknown): Value | undefined;
  readonly mayBeLeftOut?: true;
}

interface Shape<Data> {
  readonly schemaVersion: number;
  readonly fields: { readonly [Name in keyof Data]-?: Field<Data[Name]> };
  /** Fields to be encrypted, because they tell who somebody is. */
  readonly personal: readonly (keyof Data & string)[];
}

const text: Field<string> = {
  write: (value) => value,
  read: (stored) => (typeof stored === 'string' ? stored : undefined),
};

const personalText: Field<PersonalText> = {
  write: (value) => value,
  read: (stored) => (isErased(stored) ? erased : text.read(stored)),
};

/** ISO 8601 in UTC with milliseconds: what a person reads in the log. */
const instant: Field<Instant> = {
  write: (value) => new Date(value).toISOString(),
  read: (stored) => {
    if (typeof stored !== 'string') return undefined;
    const value = Date.parse(stored);
    return !Number.isNaN(value) && new Date(value).toISOString() === stored ? value : undefined;
  },
};

function wholeNumberFrom(least: number): Field<number> {
  return {
    write: (value) => value,
    read: (stored) =>
      typeof stored === 'number' && Number.isSafeInteger(stored) && stored >= least
        ? stored
        : undefined,
  };
}

function oneOf<Value extends string>(...values: Value[]): Field<Value> {
  return { write: (value) => value, read: (stored) => values.find((value) => value === stored) };
}

/** A field that events from before it existed do not have; they are read as if it held `value`. */
function absentBefore<Value>(field: Field<Value>, value: Value): Field<Value> {
  return {
    write: field.write,
    read: (stored) => (stored === undefined ? value : field.read(stored)),
  };
}

/** A field that not every event of the type has. */
function leftOutOr<Value>(field: Field<Value>): Field<Value | undefined> {
  return {
    write: (value) => (value === undefined ? undefined : field.write(value)),
    read: field.read,
    mayBeLeftOut: true,
  };
}

const language = oneOf(...mailLanguages);

/** The literal names in the log; renaming a type in the code must not change them. */
const shapes: { readonly [Type in AccountEventType]: Shape<DataOf<Type>> } = {
  AccountRegistered: {
    schemaVersion: 1,
    fields: {
      address: personalText,
      passwordHash: personalText,
      registeredAt: instant,
      registrationNumber: leftOutOr(wholeNumberFrom(1)),
    },
    personal: ['address', 'passwordHash'],
  },
  RegistrationRenewed: {
    schemaVersion: 1,
    fields: { passwordHash: personalText, renewedAt: instant },
    personal: ['passwordHash'],
  },
  PasswordHashUpgraded: {
    schemaVersion: 1,
    fields: { passwordHash: personalText, upgradedAt: instant },
    personal: ['passwordHash'],
  },
  RegistrationRefused: {
    schemaVersion: 1,
    fields: { reason: oneOf('already-active'), refusedAt: instant },
    personal: [],
  },
  ActivationCodeIssued: {
    schemaVersion: 1,
    fields: {
      issueNumber: wholeNumberFrom(1),
      nonce: text,
      keyId: text,
      issuedAt: instant,
      language: absentBefore(language, defaultMailLanguage),
    },
    personal: [],
  },
  ActivationCodeSent: {
    schemaVersion: 1,
    fields: {
      issueNumber: wholeNumberFrom(1),
      sentAt: instant,
      expiresAt: instant,
      providerMessageId: text,
    },
    personal: [],
  },
  ActivationCodeUndeliverable: {
    schemaVersion: 1,
    fields: {
      issueNumber: wholeNumberFrom(1),
      reason: text,
      attempts: wholeNumberFrom(0),
      abandonedAt: instant,
    },
    personal: [],
  },
  ActivationMailDelivered: {
    schemaVersion: 1,
    fields: { issueNumber: wholeNumberFrom(1), deliveredAt: instant, providerEventId: text },
    personal: [],
  },
  ActivationMailBounced: {
    schemaVersion: 1,
    fields: {
      issueNumber: wholeNumberFrom(1),
      kind: oneOf('permanent', 'transient'),
      bouncedAt: instant,
      providerEventId: text,
    },
    personal: [],
  },
  ActivationMailReportedAsSpam: {
    schemaVersion: 1,
    fields: { issueNumber: wholeNumberFrom(1), reportedAt: instant, providerEventId: text },
    personal: [],
  },
  OwnerNoticeIssued: {
    schemaVersion: 1,
    fields: { noticeNumber: wholeNumberFrom(1), issuedAt: instant, language },
    personal: [],
  },
  OwnerNotified: {
    schemaVersion: 1,
    fields: { noticeNumber: wholeNumberFrom(1), sentAt: instant, providerMessageId: text },
    personal: [],
  },
  OwnerNoticeUndeliverable: {
    schemaVersion: 1,
    fields: {
      noticeNumber: wholeNumberFrom(1),
      reason: text,
      attempts: wholeNumberFrom(0),
      abandonedAt: instant,
    },
    personal: [],
  },
  ActivationRefused: {
    schemaVersion: 1,
    fields: {
      issueNumber: wholeNumberFrom(1),
      reason: oneOf('incorrect', 'expired', 'exhausted'),
      refusedAt: instant,
    },
    personal: [],
  },
  AccountActivated: {
    schemaVersion: 1,
    fields: { issueNumber: wholeNumberFrom(1), activatedAt: instant },
    personal: [],
  },
  RegistrationLapsed: {
    schemaVersion: 1,
    fields: { registrationNumber: wholeNumberFrom(1), lapsedAt: instant },
    personal: [],
  },
  AccountErased: {
    schemaVersion: 1,
    fields: {
      receiptId: text,
      reason: oneOf(...erasureReasons),
      registrationNumber: wholeNumberFrom(1),
      erasedAt: instant,
    },
    personal: [],
  },
};

/** Names of the fields that hold personal data, per event type. */
export const personalFields = Object.fromEntries(
  Object.entries(shapes).map(([type, shape]) => [type, shape.personal]),
) as { readonly [Type in AccountEventType]: readonly (keyof DataOf<Type> & string)[] };

/** The same for a type by its name in the log; none for a type that this program does not know. */
export function personalFieldsOf(type: string): readonly string[] {
  return isAccountEventType(type) ? personalFields[type] : [];
}

/** The shape to store; personal fields are still in the clear. */
export function toStored(event: AccountEvent): StoredAccountEvent {
  const { schemaVersion, fields } = shapeOf(event.type);
  const facts: Readonly<Record<string, unknown>> = event.data;
  const data = Object.fromEntries(
    Object.entries(fields)
      .filter(([name]) => facts[name] !== undefined)
      .map(([name, field]) => [name, field.write(facts[name])]),
  );
  return { type: event.type, schemaVersion, data };
}

/**
 * The fact that was stored. Fields that the shape does not name are ignored.
 *
 * @throws UnknownAccountEvent for a type or version that this program does not know
 * @throws MalformedAccountEvent when a field is missing or cannot be read
 */
export function fromStored(stored: StoredAccountEvent): AccountEvent {
  return read(stored, ({ name }, data) => data[name]);
}

/**
 * The fact that was stored, with something else in place of every personal field, which need not be readable.
 *
 * @throws UnknownAccountEvent, MalformedAccountEvent as `fromStored`
 */
export function fromStoredHiding(stored: StoredAccountEvent, inPlace: PersonalText): AccountEvent {
  return read(stored, ({ name, isPersonal }, data) => (isPersonal ? inPlace : data[name]));
}

/** Every replay does this with each event: nothing is made on the way but what is returned. */
function read(
  { type, schemaVersion, data }: StoredAccountEvent,
  valueOf: (field: NamedField, data: Readonly<Record<string, unknown>>) => unknown,
): AccountEvent {
  const shape = shapesToRead.get(type);
  if (shape?.schemaVersion !== schemaVersion) throw new UnknownAccountEvent(type, schemaVersion);
  if (typeof data !== 'object' || data === null) {
    throw new MalformedAccountEvent(type, schemaVersion, 'data');
  }
  const facts: Record<string, unknown> = {};
  for (const named of shape.fields) {
    const stored = valueOf(named, data as Readonly<Record<string, unknown>>);
    if (stored === undefined && named.field.mayBeLeftOut) continue;
    const value = named.field.read(stored);
    if (value === undefined) throw new MalformedAccountEvent(type, schemaVersion, named.name);
    facts[named.name] = value;
  }
  return { type, data: facts } as AccountEvent;
}

interface NamedField {
  readonly name: string;
  readonly field: Field<unknown>;
  readonly isPersonal: boolean;
}

/** The shapes once more, in the form in which they are gone through. */
const shapesToRead = new Map(
  Object.entries<AnyShape>(shapes as unknown as Record<string, AnyShape>).map(([type, shape]) => [
    type,
    {
      schemaVersion: shape.schemaVersion,
      fields: Object.entries(shape.fields).map(([name, field]): NamedField => ({
        name,
        field,
        isPersonal: shape.personal.includes(name),
      })),
    },
  ]),
);

function isAccountEventType(type: string): type is AccountEventType {
  return Object.hasOwn(shapes, type);
}

type AnyShape = Shape<Readonly<Record<string, unknown>>>;

/** The compiler cannot follow that a type's fields fit that type's data; the table above says so. */
function shapeOf(type: AccountEventType): AnyShape {
  return shapes[type] as unknown as AnyShape;
}
