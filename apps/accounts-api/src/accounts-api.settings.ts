import { secretSettings } from '@app/account-secrets';
import { activationSettings } from '@app/accounts';
import { ConfigurationError, loadConfiguration, setting, processSettings } from '@app/process';
import type { Environment } from '@app/process';
import * as z from 'zod';
import { corsOriginsSetting } from './browsers.js';
import { TrustedProxies, trustedProxiesSetting } from './client-address/client-addresses.js';
import { mailWebhookKeySetting } from './record-mail-event/mail-webhook-key.js';
import { limitSettings } from './limits/limits.js';
import { HIGHEST_BCRYPT_COST } from './passwords/password-hasher.js';
import { refusedDomainsSetting, registrationSetting } from './who-may-register/domains.js';

export type AccountsApiSettings = ReturnType<typeof readApiSettings>;

/** The lowest bcrypt cost that production accepts. */
const LOWEST_SAFE_BCRYPT_COST = 10;

/** @param production whether defaults and bounds are those for the open network */
export const apiSettingTypes = (production: boolean) => ({
  ...processSettings,
  API_PORT: setting.port().default(8080).describe('Port of the public API; 0 picks a free one'),
  DATABASE_CONNECTIONS: setting.integer(1, 200).default(10).describe('Connections at a time'),
  ...secretSettings,
  SERVICE_NAME: z
    .string()
    .max(64)
    .default('accounts')
    .describe('A word that passwords must not contain'),
  BCRYPT_COST: setting
    .integer(production ? LOWEST_SAFE_BCRYPT_COST : 4, HIGHEST_BCRYPT_COST)
    .default(12)
    .describe(
      'Cost of a password hash; not below 10 in production. While dearer hashes are in use, every login costs as much as the dearest',
    ),
  PASSWORD_MIN_LENGTH: setting.integer(8, 128).default(8).describe('In characters'),
  PASSWORD_MAX_LENGTH: setting.integer(8, 1_000).default(128).describe('In characters'),
  PASSWORD_REQUIRE_DIGIT: setting
    .flag()
    .default(false)
    .describe('Whether a password needs a digit'),
  PASSWORD_REQUIRE_UPPER: setting
    .flag()
    .default(false)
    .describe('Whether it needs an upper-case letter'),
  PASSWORD_REQUIRE_LOWER: setting
    .flag()
    .default(false)
    .describe('Whether it needs a lower-case letter'),
  PASSWORD_REQUIRE_SPECIAL: setting
    .flag()
    .default(false)
    .describe('Whether it needs another character'),
  CREDENTIAL_CACHE_SECONDS: setting
    .integer(0, 3_600)
    .default(60)
    .describe('How long a password is remembered that was checked, or chosen; 0 switches it off'),
  ANSWER_BEAT_MS: setting
    .integer(0, 1_000)
    .default(50)
    .describe(
      'Registrations and refused logins are answered at multiples of this, so that their time tells nothing; 0 switches it off',
    ),
  CORS_ORIGINS: corsOriginsSetting
    .default([])
    .describe('Origins whose pages may call the API from a browser, separated by commas'),
  TRUSTED_PROXIES: trustedProxiesSetting()
    .default(new TrustedProxies(''))
    .describe(
      "Proxies that are believed about the client's address: addresses, networks, `loopback`, `private`",
    ),
  REGISTRATION: registrationSetting
    .default('open')
    .describe(
      'Who may register: `open`, `closed`, or domains of addresses, separated by commas (`example.org, *.example.org`)',
    ),
  REFUSED_DOMAINS: refusedDomainsSetting
    .optional()
    .describe(
      'Domains whose addresses cannot register, with all below them; usually a list of throw-away providers in `REFUSED_DOMAINS_FILE`',
    ),
  CAPTCHA_VERIFY_URL: setting
    .url('http:', 'https:')
    .optional()
    .describe(
      'Where a captcha is verified (`siteverify` of Turnstile, hCaptcha or reCAPTCHA); registrations need `captchaToken` then',
    ),
  CAPTCHA_SECRET: setting
    .secret(z.string().min(1))
    .optional()
    .describe("The service's key at the captcha's provider"),
  ...limitSettings(production),
  MAIL_WEBHOOK_KEY: setting
    .secret(mailWebhookKeySetting())
    .optional()
    .describe(
      "Takes the provider's signed reports at `POST /v1/mail-events`; without it the route answers 404",
    ),
  ...activationSettings(setting.bounded),
});

/**
 * Every setting of the API process; docs/settings.md lists them.
 *
 * @throws ConfigurationError naming every fault
 */
export function readApiSettings(env?: Environment) {
  const production = (env ?? process.env)['NODE_ENV'] === 'production';
  const settings = loadConfiguration(apiSettingTypes(production), env);
  if (settings.PASSWORD_MAX_LENGTH < settings.PASSWORD_MIN_LENGTH) {
    throw new ConfigurationError([
      'PASSWORD_MAX_LENGTH is not valid: must not be less than PASSWORD_MIN_LENGTH',
    ]);
  }
  if ((settings.CAPTCHA_VERIFY_URL === undefined) !== (settings.CAPTCHA_SECRET === undefined)) {
    throw new ConfigurationError([
      'CAPTCHA_VERIFY_URL and CAPTCHA_SECRET belong together: set both, or neither',
    ]);
  }
  return settings;
}
