import { activationPolicyOf, activationSettings } from '@app/accounts';
import type { ActivationPolicy, ActivationSettingName } from '@app/accounts';
import { integerParameter } from '../../request-values.js';

/** The rules that a what-if replay can change, and the settings that they are. */
const settingOfRule = {
  codeTtlSeconds: 'ACTIVATION_CODE_TTL_SECONDS',
  guessesPerCode: 'GUESSES_PER_CODE',
  guessesPerDay: 'GUESSES_PER_DAY',
  guessesPer30Days: 'GUESSES_PER_30_DAYS',
  codeResendSeconds: 'CODE_RESEND_SECONDS',
  codesPerHour: 'CODES_PER_HOUR',
  codesPerDay: 'CODES_PER_DAY',
} as const satisfies Record<string, ActivationSettingName>;

export type RuleName = keyof typeof settingOfRule;
export type Rules = Readonly<Record<RuleName, number>>;
export type ActivationSettings = Readonly<Record<ActivationSettingName, number>>;

const ruleNames = Object.keys(settingOfRule) as readonly RuleName[];

/** One optional parameter a rule, with the limits of its setting. */
export function ruleParameters() {
  const parameters = activationSettings((least, most) => ({ least, most }));
  const entries = ruleNames.map((name) => {
    const { least, most } = parameters[settingOfRule[name]];
    const description = `In place of ${settingOfRule[name]}.`;
    return [name, integerParameter(least, most, description).optional()] as const;
  });
  return Object.fromEntries(entries) as Record<RuleName, (typeof entries)[number][1]>;
}

export function rulesOf(settings: ActivationSettings): Rules {
  const entries = ruleNames.map((name) => [name, settings[settingOfRule[name]]]);
  return Object.fromEntries(entries) as Rules;
}

/** The policy of these settings with other rules in place of theirs. */
export function policyUnder(rules: Rules, settings: ActivationSettings): ActivationPolicy {
  const changed = ruleNames.map((name) => [settingOfRule[name], rules[name]]);
  return activationPolicyOf({ ...settings, ...Object.fromEntries(changed) });
}
