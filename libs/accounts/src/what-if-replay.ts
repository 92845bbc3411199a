import {
  claimNumbered,
  evolve,
  initialState,
  type Account,
  type PendingAccount,
} from './account.js';
import type { AccountEvent, ActivationCodeIssued, ActivationRefused } from './account-events.js';
import { standingRefusal } from './activate-account.js';
import { newCodeAllowedFrom } from './activation-budgets.js';
import type { ActivationPolicy } from './activation-policy.js';
import { recordActivationCodeSent } from './record-activation-code-sent.js';

/**
 * What a history would have become under other rules, as far as it shows. Codes are not stored, so the replay
 * cannot know whether a guess that was refused unseen was right. It bounds what follows from such guesses from
 * both sides: once as if all of them had been right, once as if all had been wrong.
 */
export interface WhatIfOutcome {
  /** Activations that happened. */
  readonly activations: number;
  /** Guesses that were compared and wrong. */
  readonly wrongGuesses: number;
  /** Guesses on record that were refused unseen, because their code had expired or no guess was left. */
  readonly refusedUnseen: number;
  /** How many of these would have been compared, if each had been wrong. */
  readonly comparedInAddition: number;
  /** Wrong guesses that would have been refused unseen. */
  readonly notComparedAnyMore: number;
  /** Activations of accounts that stayed pending, if every guess that was refused unseen had been right. */
  readonly gainedAtMost: number;
  /** Activations that would have come with an earlier code, under the same condition. */
  readonly soonerAtMost: number;
  /** Activations that would have been refused, however the guesses were that were refused unseen. */
  readonly lostAtLeast: number;
  /** The same, if every guess that was refused unseen had been wrong. */
  readonly lostAtMost: number;
}

export const noOutcome: WhatIfOutcome = {
  activations: 0,
  wrongGuesses: 0,
  refusedUnseen: 0,
  comparedInAddition: 0,
  notComparedAnyMore: 0,
  gainedAtMost: 0,
  soonerAtMost: 0,
  lostAtLeast: 0,
  lostAtMost: 0,
};

/** The outcome over the accounts of both. */
export function sumOf(one: WhatIfOutcome, other: WhatIfOutcome): WhatIfOutcome {
  const sums = Object.entries(one).map(([name, value]) => [
    name,
    (value as number) + other[name as keyof WhatIfOutcome],
  ]);
  return Object.fromEntries(sums) as unknown as WhatIfOutcome;
}

/** One way that the account could have gone under the other rules. */
interface Course {
  readonly state: Account;
  /** Active here, while it was still pending in the history. */
  readonly isAhead: boolean;
  readonly comparedInAddition: number;
  readonly notComparedAnyMore: number;
  readonly gained: number;
  readonly sooner: number;
  readonly lost: number;
}

const beginning: Course = {
  state: initialState,
  isAhead: false,
  comparedInAddition: 0,
  notComparedAnyMore: 0,
  gained: 0,
  sooner: 0,
  lost: 0,
};

/**
 * Follows one account's history under other rules, through the functions that decisions rest on. The history
 * itself is the comparison, whatever rules it was made under.
 *
 * What is not on record is left out: requests for new codes that were refused, tries after the first on a code
 * that had expired or was burnt, and what people would have done in another situation.
 */
export class WhatIfReplay {
  private activations = 0;
  private wrongGuesses = 0;
  private refusedUnseen = 0;
  private allRight: Course = beginning;
  /** The same object as `allRight` until a guess that was refused unseen would have been compared. */
  private allWrong: Course = beginning;

  constructor(private readonly policy: ActivationPolicy) {}

  /** @param event the next of the account's history */
  add(event: AccountEvent): void {
    if (event.type === 'AccountActivated') this.activations += 1;
    if (event.type === 'ActivationRefused') {
      if (event.data.reason === 'incorrect') this.wrongGuesses += 1;
      else this.refusedUnseen += 1;
    }
    const { allRight, allWrong } = this;
    const isOneCourse = allRight === allWrong && !isComparedUnseen(allRight, event, this.policy);
    this.allRight = after(allRight, event, this.policy, 'right');
    this.allWrong = isOneCourse ? this.allRight : after(allWrong, event, this.policy, 'wrong');
  }

  /** Up to the last event that was added. */
  get outcome(): WhatIfOutcome {
    const { activations, wrongGuesses, refusedUnseen, allRight, allWrong } = this;
    return {
      activations,
      wrongGuesses,
      refusedUnseen,
      comparedInAddition: allWrong.comparedInAddition,
      notComparedAnyMore: allWrong.notComparedAnyMore,
      gainedAtMost: allRight.gained + (allRight.isAhead ? 1 : 0),
      soonerAtMost: allRight.sooner,
      lostAtLeast: allRight.lost,
      lostAtMost: allWrong.lost,
    };
  }
}

function after(
  course: Course,
  event: AccountEvent,
  policy: ActivationPolicy,
  unseenGuess: 'right' | 'wrong',
): Course {
  const { state } = course;
  switch (event.type) {
    case 'ActivationCodeIssued':
      return state.status === 'pending' && isIssued(state, event, policy)
        ? then(course, event)
        : course;
    case 'ActivationCodeSent':
      return recordActivationCodeSent(
        { type: 'RecordActivationCodeSent', ...event.data },
        state,
        policy,
      ).reduce(then, course);
    case 'ActivationRefused':
      return afterRefusal(course, event, policy, unseenGuess);
    case 'AccountActivated': {
      if (course.isAhead) return { ...course, isAhead: false, sooner: course.sooner + 1 };
      const { activatedAt } = event.data;
      return isCompared(state, event.data, activatedAt, policy)
        ? then(course, event)
        : { ...course, lost: course.lost + 1 };
    }
    case 'AccountErased':
      return then(
        course.isAhead ? { ...course, isAhead: false, gained: course.gained + 1 } : course,
        event,
      );
    default:
      return then(course, event);
  }
}

function then(course: Course, event: AccountEvent): Course {
  return { ...course, state: evolve(course.state, event) };
}

function afterRefusal(
  course: Course,
  event: ActivationRefused,
  policy: ActivationPolicy,
  unseenGuess: 'right' | 'wrong',
): Course {
  const { issueNumber, claimNumber, reason, refusedAt } = event.data;
  if (course.isAhead) return course;
  if (reason === 'incorrect') {
    return isCompared(course.state, event.data, refusedAt, policy)
      ? then(course, event)
      : { ...course, notComparedAnyMore: course.notComparedAnyMore + 1 };
  }
  if (!isComparedUnseen(course, event, policy)) return course;
  const compared = { ...course, comparedInAddition: course.comparedInAddition + 1 };
  return unseenGuess === 'right'
    ? {
        ...then(compared, {
          type: 'AccountActivated',
          data: { issueNumber, claimNumber, activatedAt: refusedAt },
        }),
        isAhead: true,
      }
    : then(compared, { ...event, data: { ...event.data, reason: 'incorrect' } });
}

/** Whether the event is a guess that was refused unseen, and that this course would have compared. */
function isComparedUnseen(course: Course, event: AccountEvent, policy: ActivationPolicy): boolean {
  if (event.type !== 'ActivationRefused' || event.data.reason === 'incorrect') return false;
  return isCompared(course.state, event.data, event.data.refusedAt, policy);
}

function isCompared(
  state: Account,
  { issueNumber, claimNumber }: Pick<ActivationRefused['data'], 'issueNumber' | 'claimNumber'>,
  at: number,
  policy: ActivationPolicy,
): boolean {
  if (state.status !== 'pending' || state.code?.issueNumber !== issueNumber) return false;
  if (state.code.delivery.status === 'undeliverable') return false;
  const claim = claimNumbered(state, claimNumber);
  return claim !== undefined && standingRefusal(state, state.code, claim, policy, at) === undefined;
}

/** In place of a code that could not be delivered, an operator may have asked for one: no limit applies. */
function isIssued(
  state: PendingAccount,
  { data: { issuedAt, claimNumber, form } }: ActivationCodeIssued,
  policy: ActivationPolicy,
): boolean {
  const network = claimNumbered(state, claimNumber)?.network;
  const isInPlaceOfALostOne = state.code?.delivery.status === 'undeliverable';
  // The first of the long codes follows the last guess at four digits at once.
  const isFirstLongOne = form === 'long' && state.code?.form === 'short';
  return (
    isInPlaceOfALostOne ||
    isFirstLongOne ||
    (network !== undefined && issuedAt >= newCodeAllowedFrom(state, network, policy))
  );
}
