import { describe, expect, it } from '@jest/globals';
import { defaultActivationPolicy } from './activation-policy.js';
import { activationPolicyOf, activationSettings } from './activation-settings.js';

const presets = activationSettings((_least, _most, preset) => preset);

describe('The settings behind the policy', () => {
  it('stand for the default policy when nothing is set', () => {
    expect(activationPolicyOf(presets)).toEqual(defaultActivationPolicy);
  });

  it('have these names and defaults, which are documented', () => {
    expect(presets).toEqual({
      ACTIVATION_CODE_TTL_SECONDS: 60,
      GUESSES_PER_CODE: 3,
      GUESSES_PER_LONG_CODE: 5,
      RECORDED_LONG_GUESSES_PER_DAY: 200,
      GUESSES_PER_DAY: 10,
      GUESSES_PER_30_DAYS: 30,
      CODE_RESEND_SECONDS: 30,
      CODES_PER_HOUR: 5,
      CODES_PER_DAY: 10,
      EMAIL_DELIVERY_WINDOW_SECONDS: 900,
      OWNER_NOTICE_INTERVAL_HOURS: 24,
    });
  });

  it('each change one number of the policy, in its unit', () => {
    const changed = { ...presets, CODE_RESEND_SECONDS: 7, GUESSES_PER_DAY: 4, OTHER: 'ignored' };
    expect(activationPolicyOf(changed)).toEqual({
      ...defaultActivationPolicy,
      resendIntervalMs: 7_000,
      guessesPerDay: 4,
    });
  });

  it('are whole numbers from 1, and the default is within the limits', () => {
    const limits = activationSettings((least, most, preset) => ({ least, most, preset }));
    for (const { least, most, preset } of Object.values(limits)) {
      expect(least).toBe(1);
      expect(preset).toBeGreaterThanOrEqual(least);
      expect(preset).toBeLessThanOrEqual(most);
      expect(Number.isInteger(preset)).toBe(true);
    }
  });
});
