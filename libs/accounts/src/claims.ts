import type { Instant } from './account-events.js';
import { DAY } from './activation-policy.js';
import type { MailLanguage } from './mail-language.js';
import type { PersonalText } from './personal-text.js';

/** What one network registered a pending address with. The claim whose holder brings the code becomes the account's. */
export interface Claim {
  /** The number of the registration that made it: another number means another password. */
  readonly number: number;
  /** Name of the network that made it; means nothing without the account's network key. */
  readonly network: string;
  /** As typed: mail for this claim goes here. */
  readonly address: PersonalText;
  readonly passwordHash: PersonalText;
  /** What the person who made it reads. */
  readonly language: MailLanguage;
  readonly madeAt: Instant;
}

/** So many networks can have a claim on one address at a time: fewer strangers leave its owner room. */
export const mostClaims = 10;

/** When all are taken, the oldest gives way once it is so old. */
const KEPT_AT_LEAST_MS = DAY;

/** Whether a network can make a claim, or replace its own. */
export function hasRoomFor(claims: readonly Claim[], network: string, now: Instant): boolean {
  const [oldest] = claims;
  return (
    claims.length < mostClaims ||
    oldest === undefined ||
    claims.some((claim) => claim.network === network) ||
    now >= oldest.madeAt + KEPT_AT_LEAST_MS
  );
}

/**
 * The claims after one more was made, the newest last: it replaces the claim of its own network, or else the oldest
 * when all are taken.
 */
export function claimsAfter<Made extends Pick<Claim, 'network'>>(
  claims: readonly Made[],
  made: Made,
): readonly Made[] {
  const others = claims.filter(({ network }) => network !== made.network);
  return [...others.slice(-(mostClaims - 1)), made];
}

/** The one claim that a caller's password is compared with: that of the caller's network, or else the newest. */
export function claimFor<Made extends Pick<Claim, 'network'>>(
  claims: readonly Made[],
  network: string,
): Made | undefined {
  return claims.find((claim) => claim.network === network) ?? claims.at(-1);
}
