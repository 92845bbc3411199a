import { codeExpiry, evolve, initialState, type Account, type PendingAccount } from './account.js';
import type { AccountEvent, Instant } from './account-events.js';
import { instantOf, sentenceOf } from './account-event-serde.js';
import { guessesLeftAt } from './activate-account.js';
import { contestedUntil } from './activation-budgets.js';
import { guessBudgetWindowMs, type ActivationPolicy } from './activation-policy.js';

/** Why an account is as it is, for an operator who answers its owner. No personal data, no code. */
export interface AccountExplanation {
  /** The answer in one or two sentences. */
  readonly conclusion: string;
  /** What led to it, oldest first. */
  readonly steps: readonly ExplainedStep[];
}

export interface ExplainedStep {
  readonly at: Instant;
  readonly sentence: string;
}

/**
 * Explains a history in plain words: what happened, and what did not happen although it could have.
 *
 * @param events the account's whole history, oldest first
 * @param now up to when things could have happened
 */
export function explainAccount(
  events: readonly AccountEvent[],
  now: Instant,
  policy: ActivationPolicy,
): AccountExplanation {
  const state = events.reduce(evolve, initialState);
  const conclusion = [conclusionOf(state, now, policy), ...contestOf(events, state, now, policy)];
  return { conclusion: conclusion.join(' '), steps: stepsOf(events, now) };
}

function stepsOf(events: readonly AccountEvent[], now: Instant): readonly ExplainedStep[] {
  const steps: ExplainedStep[] = [];
  events.forEach((event, index) => {
    if (isWrongGuess(event) && isSameGuess(events[index - 1], event)) return;
    const sentence = isWrongGuess(event)
      ? guessedWrong(event.data.issueNumber, guessesInARow(events, index))
      : sentenceOf(event);
    steps.push({ at: instantOf(event), sentence });
    const over = minuteOver(events, index, now);
    if (over) steps.push(over);
  });
  // What follows from the passing of time stands among the events; the sort keeps the order of equals.
  return steps.sort((one, other) => one.at - other.at);
}

/** The end of a code's time, when it came before the code was used or replaced. */
function minuteOver(
  events: readonly AccountEvent[],
  index: number,
  now: Instant,
): ExplainedStep | undefined {
  const sent = events[index];
  if (sent?.type !== 'ActivationCodeSent' || sent.data.expiresAt > now) return undefined;
  const { issueNumber, expiresAt } = sent.data;
  const ended = events.some(
    (event) =>
      instantOf(event) < expiresAt &&
      (event.type === 'AccountActivated' ||
        event.type === 'RegistrationLapsed' ||
        event.type === 'AccountErased' ||
        event.type === 'AccountFreed' ||
        (event.type === 'ActivationCodeIssued' && event.data.issueNumber > issueNumber)),
  );
  if (ended) return undefined;
  return { at: expiresAt, sentence: `The time of activation code ${issueNumber} was over.` };
}

type WrongGuess = Extract<AccountEvent, { type: 'ActivationRefused' }>;

function isWrongGuess(event: AccountEvent | undefined): event is WrongGuess {
  return event?.type === 'ActivationRefused' && event.data.reason === 'incorrect';
}

function isSameGuess(event: AccountEvent | undefined, guess: WrongGuess): boolean {
  return isWrongGuess(event) && event.data.issueNumber === guess.data.issueNumber;
}

function guessesInARow(events: readonly AccountEvent[], first: number): number {
  const guess = events[first];
  const following = events.slice(first);
  const end = following.findIndex((event) => !isWrongGuess(guess) || !isSameGuess(event, guess));
  return end === -1 ? following.length : end;
}

function guessedWrong(issueNumber: number, times: number): string {
  return `Activation code ${issueNumber} was guessed wrong ${howOften(times)}.`;
}

function conclusionOf(state: Account, now: Instant, policy: ActivationPolicy): string {
  switch (state.status) {
    case 'not-registered':
      return 'The address is not registered.';
    case 'active':
      return `The account is active since ${textOf(state.activatedAt)}, activated with code ${state.lastIssueNumber}.`;
    case 'lapsed':
      return `The registration was never completed and lapsed at ${textOf(state.lapsedAt)}; the address can be registered anew.`;
    case 'erased':
      return `The account was erased at ${textOf(state.erasure.erasedAt)}; the address can be registered anew.`;
    case 'pending':
      return `The account is not activated: ${obstacleOf(state, now, policy)}`;
  }
}

function obstacleOf(account: PendingAccount, now: Instant, policy: ActivationPolicy): string {
  const { code } = account;
  if (account.claims.length === 0) {
    return 'an operator freed the address, and it was not registered since.';
  }
  if (code === undefined) return 'no code was issued.';
  const { issueNumber, delivery, tries } = code;
  const wrongGuesses = tries.reduce((sum, one) => sum + one.wrongGuesses, 0);
  if (delivery.status === 'undeliverable') {
    return `code ${issueNumber} could not be delivered, and no new code was asked for.`;
  }
  const mayBeTried = account.claims.some((claim) => guessesLeftAt(code, claim, policy) > 0);
  if (!mayBeTried) {
    return `code ${issueNumber} was burnt by ${wrongGuesses} wrong guesses, and no new code was asked for.`;
  }
  if (now >= codeExpiry(code, policy)) {
    const guessed =
      wrongGuesses > 0 ? `, after it was guessed wrong ${howOften(wrongGuesses)}` : '';
    return `the time of code ${issueNumber} was over at ${textOf(codeExpiry(code, policy))}${guessed}, and no new code was asked for.`;
  }
  return delivery.status === 'sent'
    ? `code ${issueNumber} can be used until ${textOf(delivery.expiresAt)}.`
    : `code ${issueNumber} waits for the e-mail provider to accept it since ${textOf(code.issuedAt)}.`;
}

/** Who used up the guesses at codes of four digits, while they are used up. */
function contestOf(
  events: readonly AccountEvent[],
  state: Account,
  now: Instant,
  policy: ActivationPolicy,
): readonly string[] {
  if (state.status === 'not-registered' || state.status === 'active') return [];
  const until = contestedUntil(state, policy);
  if (now >= until) return [];
  const oldest = Math.min(...state.wrongGuessesAt.filter((at) => at > now - guessBudgetWindowMs));
  const networks = new Set(
    events.flatMap((event) =>
      isWrongGuess(event) && event.data.refusedAt >= oldest
        ? [networkOfClaim(events, event.data.claimNumber)]
        : [],
    ),
  );
  return [
    `The address is contested: ${networksOf(networks.size)} used up its wrong guesses at codes of four digits, and its codes are long until ${textOf(until)}.`,
  ];
}

/** Claims are numbered by the registrations that made them. */
function networkOfClaim(events: readonly AccountEvent[], claimNumber: number): string | undefined {
  const networks = events.flatMap((event) =>
    event.type === 'AccountRegistered' || event.type === 'RegistrationRenewed'
      ? [event.data.network]
      : [],
  );
  return networks[claimNumber - 1];
}

function networksOf(count: number): string {
  return count === 1 ? '1 network' : `${count} networks`;
}

function howOften(times: number): string {
  if (times === 1) return 'once';
  return times === 2 ? 'twice' : `${times} times`;
}

function textOf(instant: Instant): string {
  return new Date(instant).toISOString();
}
