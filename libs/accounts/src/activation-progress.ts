import type { Account, ActivationCode, CountedCode, PendingAccount } from './account.js';
import type { Instant } from './account-events.js';
import { guessesLeftAt } from './activate-account.js';
import { newCodeAllowedFrom } from './activation-budgets.js';
import type { ActivationPolicy } from './activation-policy.js';
import type { Claim } from './claims.js';
import { provenPendingAccount } from './proven-account.js';

export const codeStates = ['issued', 'sent', 'delivered', 'undeliverable'] as const;

export type CodeState = (typeof codeStates)[number];

/**
 * How far the holder of one claim is on the way to activation. Made of what the claim's own network did: claims, codes and
 * guesses of other networks show in nothing but that a code of theirs, the newest, has ended one's own.
 */
export interface ActivationProgress {
  /** Undefined, as are the next two, when the newest code is none that this network asked for. */
  readonly codeState: CodeState | undefined;
  /** Undefined until the mail was handed over as well. */
  readonly codeExpiresAt: Instant | undefined;
  readonly attemptsLeft: number | undefined;
  /** In the past when a new code may be asked for at once. */
  readonly newCodeAllowedAt: Instant;
}

/**
 * @param provenClaim the claim whose password the caller proved to know
 * @throws AccountNotRegistered, CredentialsSuperseded, AccountAlreadyActive
 */
export function activationProgress(
  state: Account,
  provenClaim: number,
  policy: ActivationPolicy,
): ActivationProgress {
  const { account, claim } = provenPendingAccount(state, provenClaim);
  const code = account.code?.askedBy.network === claim.network ? account.code : undefined;
  return {
    codeState: code && stateOf(code),
    codeExpiresAt: code?.delivery.status === 'sent' ? code.delivery.expiresAt : undefined,
    attemptsLeft: code && Math.max(0, guessesLeftAt(code, claim, policy)),
    newCodeAllowedAt: allowedAt(ownCodes(account, claim), claim, policy),
  };
}

/**
 * When the network that asked for a code at `now` may ask for the next one. The same whether one was issued: an inbox that
 * is full of mails that others caused does not show.
 *
 * @param provenClaim the claim whose password the caller proved to know
 * @throws AccountNotRegistered, CredentialsSuperseded, AccountAlreadyActive
 */
export function nextCodeAllowedAt(
  state: Account,
  provenClaim: number,
  policy: ActivationPolicy,
  now: Instant,
): Instant {
  const { account, claim } = provenPendingAccount(state, provenClaim);
  const before = ownCodes(account, claim).filter(({ at }) => at !== now);
  return allowedAt([...before, { at: now, network: claim.network }], claim, policy);
}

function ownCodes({ codesIssued }: PendingAccount, { network }: Claim): readonly CountedCode[] {
  return codesIssued.filter((code) => code.network === network);
}

function allowedAt(
  codesIssued: readonly CountedCode[],
  { network, madeAt }: Claim,
  policy: ActivationPolicy,
): Instant {
  return Math.max(madeAt, newCodeAllowedFrom({ codesIssued }, network, policy));
}

function stateOf({ delivery, isDelivered }: ActivationCode): CodeState {
  if (delivery.status === 'undeliverable') return 'undeliverable';
  if (isDelivered) return 'delivered';
  return delivery.status === 'sent' ? 'sent' : 'issued';
}
