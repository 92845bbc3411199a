import * as z from 'zod';

export interface CaptchaOptions {
  /** Where the provider verifies tokens: `https://challenges.cloudflare.com/turnstile/v0/siteverify`. */
  readonly verifyUrl: string;
  readonly secret: string;
  /** Longest wait for the provider, in milliseconds; CAPTCHA_TIMEOUT_MS when left out. */
  readonly timeoutMs?: number;
}

/** The captcha's provider gave no answer that can be used: whether the caller is a person is not known. */
export class CaptchaUnavailable extends Error {
  override readonly name = 'CaptchaUnavailable';
}

/** Longest wait for the provider, in milliseconds. */
export const CAPTCHA_TIMEOUT_MS = 3_000;
const verdict = z.object({ success: z.boolean() });

/** Asks a captcha's provider by the protocol that Turnstile, hCaptcha and reCAPTCHA have in common. */
export class Captcha {
  constructor(private readonly options: CaptchaOptions) {}

  /**
   * @param token what the widget gave the page
   * @throws CaptchaUnavailable
   */
  async isPassed(token: string): Promise<boolean> {
    const { verifyUrl, secret, timeoutMs = CAPTCHA_TIMEOUT_MS } = this.options;
    try {
      const answer = await fetch(verifyUrl, {
        method: 'POST',
        body: new URLSearchParams({ secret, response: token }),
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
      if (!answer.ok) throw new Error(`it answered with status ${answer.status}`);
      return verdict.parse(await answer.json()).success;
    } catch (error) {
      throw new CaptchaUnavailable('the provider of the captcha cannot be asked', { cause: error });
    }
  }
}
