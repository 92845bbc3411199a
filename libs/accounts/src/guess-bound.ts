import { activationCodeDigits } from './activation-code.js';
import type { ActivationPolicy } from './activation-policy.js';

const POSSIBLE_MACS = 2 ** 31;
const DAYS_OF_MONTH = 30;

/**
 * The likeliest code's probability: 31 bits do not divide evenly by the number of codes, so that some come
 * up once more often than others in 2^31.
 */
export const likeliestCode = Math.ceil(POSSIBLE_MACS / 10 ** activationCodeDigits) / POSSIBLE_MACS;

/** How much a guesser who knows nothing of the codes can do against one address, within one stretch of time. */
export interface GuessBound {
  /** Most guesses that are compared with a code. */
  readonly guesses: number;
  /** Of at least one right guess, at most: the sum over the guesses. */
  readonly probability: number;
}

export interface GuessBounds {
  /** By the claim of one network. */
  readonly perCode: GuessBound;
  /** Within any 24 hours, over all codes. */
  readonly perDay: GuessBound;
  /** Within any 30 days, over all codes. */
  readonly per30Days: GuessBound;
}

/**
 * What the rules leave to a guesser at four-digit codes. Neither the lifetime of a code nor who asks for new ones, nor
 * from how many networks, matters: guesses are counted per address, and when they are used up codes are long. A long
 * code has 60 bits: what is tried at those adds nothing that could be seen here.
 */
export function guessBounds(policy: ActivationPolicy): GuessBounds {
  const { guessesPerCode, guessesPerDay, guessesPerMonth } = policy;
  const inOneDay = Math.min(guessesPerDay, guessesPerMonth);
  return {
    perCode: boundOf(Math.min(guessesPerCode, inOneDay)),
    perDay: boundOf(inOneDay),
    per30Days: boundOf(Math.min(guessesPerMonth, inOneDay * DAYS_OF_MONTH)),
  };
}

function boundOf(guesses: number): GuessBound {
  return { guesses, probability: Math.min(1, guesses * likeliestCode) };
}
