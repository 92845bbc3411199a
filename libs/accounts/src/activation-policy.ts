const SECOND = 1_000;
const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The longest stretch of time a budget of new codes looks back on. */
export const codeBudgetWindowMs = DAY;

/** The longest stretch of time a budget of guesses looks back on. */
export const guessBudgetWindowMs = 30 * DAY;

/** The numbers behind the rules of activation; all whole and above zero, times in milliseconds. */
export interface ActivationPolicy {
  /** How long a code is accepted after the e-mail provider took the message. */
  readonly codeTtlMs: number;
  /** Wrong guesses that end a four-digit code for the network whose claim made them. */
  readonly guessesPerCode: number;
  /** The same for a long code. */
  readonly guessesPerLongCode: number;
  /** Wrong, late and superfluous guesses at long codes per address that are recorded within any 24 hours. */
  readonly recordedLongGuessesPerDay: number;
  /** Wrong guesses at four-digit codes per address within any 24 hours, over all of them: then codes are long. */
  readonly guessesPerDay: number;
  /** The same within any 30 days. */
  readonly guessesPerMonth: number;
  /** Least time between two codes. */
  readonly resendIntervalMs: number;
  /** Codes issued within any hour. */
  readonly codesPerHour: number;
  /** Codes issued within any 24 hours. */
  readonly codesPerDay: number;
  /** How long delivery of a mail is tried before it is given up. */
  readonly deliveryWindowMs: number;
  /** Least time between two notices to the owner of an active account. */
  readonly ownerNoticeIntervalMs: number;
}

/** Injection token of the `ActivationPolicy` in force. */
export const ACTIVATION_POLICY = Symbol('ActivationPolicy');

export const defaultActivationPolicy: ActivationPolicy = {
  codeTtlMs: MINUTE,
  guessesPerCode: 3,
  guessesPerLongCode: 5,
  recordedLongGuessesPerDay: 200,
  guessesPerDay: 10,
  guessesPerMonth: 30,
  resendIntervalMs: 30 * SECOND,
  codesPerHour: 5,
  codesPerDay: 10,
  deliveryWindowMs: 15 * MINUTE,
  ownerNoticeIntervalMs: DAY,
};

/** @throws RangeError when a number of the policy is not whole and above zero */
export function assertActivationPolicy(policy: ActivationPolicy): void {
  for (const [name, value] of Object.entries(policy)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`${name} must be a whole number above zero`);
    }
  }
}
