import { defaultActivationPolicy, HOUR, type ActivationPolicy } from './activation-policy.js';

const SECOND = 1_000;

/** A whole number from outside that becomes one number of the policy. */
interface ActivationSetting {
  readonly sets: keyof ActivationPolicy;
  /** What one unit of the setting is in the policy: milliseconds for times, 1 for counts. */
  readonly unit: number;
  /** Largest value accepted; the smallest is 1. */
  readonly most: number;
  readonly meaning: string;
}

/** Every number of the policy under its name as a setting. */
const settings = {
  ACTIVATION_CODE_TTL_SECONDS: {
    sets: 'codeTtlMs',
    unit: SECOND,
    most: 3_600,
    meaning: 'How long a code is usable',
  },
  GUESSES_PER_CODE: {
    sets: 'guessesPerCode',
    unit: 1,
    most: 10,
    meaning: 'Wrong guesses per four-digit code and network',
  },
  GUESSES_PER_LONG_CODE: {
    sets: 'guessesPerLongCode',
    unit: 1,
    most: 10,
    meaning: 'Wrong guesses per long code and network',
  },
  RECORDED_LONG_GUESSES_PER_DAY: {
    sets: 'recordedLongGuessesPerDay',
    unit: 1,
    most: 10_000,
    meaning: 'Guesses at long codes per account that are put on record in 24 hours',
  },
  GUESSES_PER_DAY: {
    sets: 'guessesPerDay',
    unit: 1,
    most: 100,
    meaning: 'Wrong guesses at four-digit codes per account in 24 hours; then its codes are long',
  },
  GUESSES_PER_30_DAYS: {
    sets: 'guessesPerMonth',
    unit: 1,
    most: 1_000,
    meaning: 'The same in 30 days',
  },
  CODE_RESEND_SECONDS: {
    sets: 'resendIntervalMs',
    unit: SECOND,
    most: 3_600,
    meaning: 'Least time between two codes of an account',
  },
  CODES_PER_HOUR: {
    sets: 'codesPerHour',
    unit: 1,
    most: 1_000,
    meaning: 'New codes per account in an hour',
  },
  CODES_PER_DAY: {
    sets: 'codesPerDay',
    unit: 1,
    most: 10_000,
    meaning: 'New codes per account in 24 hours',
  },
  EMAIL_DELIVERY_WINDOW_SECONDS: {
    sets: 'deliveryWindowMs',
    unit: SECOND,
    most: 86_400,
    meaning: 'After this a code that could not be mailed is given up',
  },
  OWNER_NOTICE_INTERVAL_HOURS: {
    sets: 'ownerNoticeIntervalMs',
    unit: HOUR,
    most: 720,
    meaning: 'Least time between two notices to the owner of an active address',
  },
} as const satisfies Record<string, ActivationSetting>;

export type ActivationSettingName = keyof typeof settings;

/**
 * The settings behind the policy, for every process that decides by it: they must mean the same in each.
 *
 * @param setting makes a setting of the process' own kind: a whole number with its limits and default
 */
export function activationSettings<Setting>(
  setting: (least: number, most: number, preset: number, meaning: string) => Setting,
): Record<ActivationSettingName, Setting> {
  const made = Object.entries(settings).map(([name, { sets, unit, most, meaning }]) => [
    name,
    setting(1, most, defaultActivationPolicy[sets] / unit, meaning),
  ]);
  return Object.fromEntries(made) as Record<ActivationSettingName, Setting>;
}

/** The policy that the settings of a process stand for; further settings beside them are ignored. */
export function activationPolicyOf(
  values: Readonly<Record<ActivationSettingName, number>>,
): ActivationPolicy {
  const policy = Object.entries(settings).map(([name, { sets, unit }]) => [
    sets,
    values[name as ActivationSettingName] * unit,
  ]);
  return Object.fromEntries(policy) as unknown as ActivationPolicy;
}
