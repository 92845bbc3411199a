import type { FieldFault } from '@app/http-service';
import type { Captcha } from './captcha.js';
import type { Domains } from './domains.js';

/** The operator has closed registration. */
export class RegistrationClosed extends Error {
  override readonly name = 'RegistrationClosed';
}

/** The token of the captcha is missing, was used before, or is not the provider's. */
export class CaptchaNotPassed extends Error {
  override readonly name = 'CaptchaNotPassed';
}

export interface RegistrationRules {
  readonly registration: 'open' | 'closed' | Domains;
  readonly refusedDomains?: Domains | undefined;
  readonly captcha?: Captcha | undefined;
}

/**
 * Who may register, as the operator decided. It looks at nothing but the request, so that it tells nothing about
 * accounts.
 */
export class RegistrationGate {
  constructor(private readonly rules: RegistrationRules) {}

  /** @throws RegistrationClosed */
  assertOpen(): void {
    if (this.rules.registration === 'closed') throw new RegistrationClosed();
  }

  /** @param email an address that is well-formed */
  faultsOf(email: string): readonly FieldFault[] {
    const { registration, refusedDomains } = this.rules;
    const isForeign = typeof registration !== 'string' && !registration.hasThatOf(email);
    if (!isForeign && !refusedDomains?.hasThatOf(email)) return [];
    return [
      {
        field: 'email',
        code: 'domain-not-admitted',
        message: 'Addresses of this domain cannot register; use another one.',
      },
    ];
  }

  /** @throws CaptchaNotPassed, CaptchaUnavailable */
  async assertPerson(captchaToken: string | undefined): Promise<void> {
    const { captcha } = this.rules;
    if (captcha === undefined) return;
    if (captchaToken === undefined || !(await captcha.isPassed(captchaToken))) {
      throw new CaptchaNotPassed();
    }
  }
}
