import {
  addressOf,
  isRegistered,
  type Account,
  type ActivationCode,
  type TriesOfNetwork,
} from './account.js';
import type { Instant } from './account-events.js';
import type { CodeForm } from './activation-code.js';

/**
 * An account's state for people to read and compare: instants as text (ISO 8601, UTC), and nothing that a
 * password or a code could be found with.
 */
export interface AccountSnapshot {
  readonly status: Account['status'];
  /** Null before a registration, and after the person was forgotten. */
  readonly email: string | null;
  /** 1 for the first registration, one more for each renewal. */
  readonly registrationNumber: number | null;
  /** Networks that have a claim on an address that waits for activation. */
  readonly claims: number | null;
  readonly registeredAt: string | null;
  readonly activatedAt: string | null;
  /** The newest code of an account that waits for activation. */
  readonly code: CodeSnapshot | null;
}

export interface CodeSnapshot {
  readonly issueNumber: number;
  readonly form: CodeForm;
  readonly issuedAt: string;
  readonly delivery: ActivationCode['delivery']['status'];
  readonly sentAt: string | null;
  readonly expiresAt: string | null;
  /** Of each network that tried it in vain. */
  readonly tries: readonly TriesOfNetwork[];
}

export interface Difference {
  /** Path into the snapshot, such as `code.delivery`. */
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** What people may see of a state. */
export function snapshotOf(account: Account): AccountSnapshot {
  if (!isRegistered(account)) {
    return {
      status: account.status,
      email: null,
      registrationNumber: account.status === 'not-registered' ? null : account.registrationNumber,
      claims: null,
      registeredAt: null,
      activatedAt: null,
      code: null,
    };
  }
  const { status, registrationNumber, registeredAt } = account;
  const address = addressOf(account);
  return {
    status,
    email: typeof address === 'string' ? address : null,
    registrationNumber,
    claims: account.status === 'pending' ? account.claims.length : null,
    registeredAt: textOf(registeredAt),
    activatedAt: account.status === 'active' ? textOf(account.activatedAt) : null,
    code: account.status === 'pending' && account.code ? codeSnapshotOf(account.code) : null,
  };
}

/** Every field whose value differs, in the order of the snapshot's fields. */
export function differencesBetween(
  before: AccountSnapshot,
  after: AccountSnapshot,
): readonly Difference[] {
  return differences('', before, after);
}

function codeSnapshotOf(code: ActivationCode): CodeSnapshot {
  const { issueNumber, form, issuedAt, delivery, tries } = code;
  const sent = delivery.status === 'sent' ? delivery : undefined;
  return {
    issueNumber,
    form,
    issuedAt: textOf(issuedAt),
    delivery: delivery.status,
    sentAt: sent ? textOf(sent.sentAt) : null,
    expiresAt: sent ? textOf(sent.expiresAt) : null,
    tries,
  };
}

function differences(path: string, before: unknown, after: unknown): readonly Difference[] {
  if (isRecord(before) && isRecord(after)) {
    return Object.keys(after).flatMap((name) =>
      differences(path === '' ? name : `${path}.${name}`, before[name], after[name]),
    );
  }
  const same = JSON.stringify(before) === JSON.stringify(after);
  return same ? [] : [{ field: path, before, after }];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(instant: Instant): string {
  return new Date(instant).toISOString();
}
