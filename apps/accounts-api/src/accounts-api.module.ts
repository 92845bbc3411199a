import { AccountIds, ActivationCodes, NetworkNames } from '@app/account-secrets';
import { ACTIVATION_POLICY, accountDecider, activationPolicyOf } from '@app/accounts';
import type { PasswordPolicy } from '@app/accounts';
import type { EventStore } from '@app/event-store';
import { ACCOUNTS, AccountEventCodec, SealedSnapshots } from '@app/personal-data';
import type { AccountKeys, Accounts } from '@app/personal-data';
import type { Database } from '@app/postgres';
import { CLOCK, LOG } from '@app/process';
import type { Clock, Log } from '@app/process';
import type { DynamicModule, Provider } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { ACCOUNTS_VIEW } from './api.tokens.js';
import type { AccountsApiSettings } from './accounts-api.settings.js';
import { ActivateAccountController } from './activate-account/activate-account.controller.js';
import { ActivateAccountHandler } from './activate-account/activate-account.handler.js';
import { PasswordCheck } from './basic-auth/password-check.js';
import { VerifiedCredentials } from './basic-auth/verified-credentials.js';
import { ClientAddresses } from './client-address/client-addresses.js';
import { ConsistencyTokens } from './read-your-writes/consistency-tokens.js';
import { ReadYourWrites } from './read-your-writes/read-your-writes.js';
import type { Progress } from './read-your-writes/read-your-writes.js';
import { isInLog } from './read-your-writes/written-event.js';
import { BcryptPasswordHasher } from './passwords/bcrypt-password-hasher.js';
import { KnownPasswords } from './passwords/known-passwords.js';
import { PASSWORD_HASHER } from './passwords/password-hasher.js';
import { GUESSABLE_PASSWORDS, PASSWORD_POLICY } from './passwords/password-rules.js';
import { MailEventSignature } from './record-mail-event/mail-event-signature.js';
import { RecordMailEventController } from './record-mail-event/record-mail-event.controller.js';
import { RecordMailEventHandler } from './record-mail-event/record-mail-event.handler.js';
import { Captcha } from './who-may-register/captcha.js';
import { RegistrationGate } from './who-may-register/registration-gate.js';
import type { RegistrationRules } from './who-may-register/registration-gate.js';
import { RegisterAccountController } from './register-account/register-account.controller.js';
import { NewAccounts } from './register-account/new-accounts.js';
import { RegisterAccountHandler } from './register-account/register-account.handler.js';
import { RequestActivationCodeController } from './request-activation-code/request-activation-code.controller.js';
import { RequestActivationCodeHandler } from './request-activation-code/request-activation-code.handler.js';
import { RequestContexts } from './request-context.js';
import { SecurityEvents } from './security-events/security-events.js';
import { limitsOf } from './limits/limits.js';
import { LIMITS, Throttle } from './limits/throttle.js';
import { UniformAnswers } from './uniform-answers/uniform-answers.js';
import { PasswordHashUpgrades } from './upgrade-password-hash/password-hash-upgrades.js';
import { ActivationQuery } from './view-account/activation.query.js';
import { ViewAccountController } from './view-account/view-account.controller.js';

/** What main.ts has connected to already. */
export interface ApiConnections {
  readonly eventStore: EventStore;
  readonly database: Database;
  readonly progress: Progress;
  readonly passwordHasher: BcryptPasswordHasher;
  readonly throttle: Throttle;
  readonly accountKeys: AccountKeys;
  readonly securityEvents: SecurityEvents;
  readonly clock: Clock;
  readonly log: Log;
}

/** Binds each port to its adapter; the only place where both are named. */
export class AccountsApiModule {
  static with(settings: AccountsApiSettings, connections: ApiConnections): DynamicModule {
    const { eventStore, database, progress, passwordHasher, clock } = connections;
    const policy = activationPolicyOf(settings);
    const accounts: Accounts = {
      store: eventStore,
      codec: new AccountEventCodec(connections.accountKeys),
      decider: accountDecider(policy),
      snapshots: new SealedSnapshots(database, connections.accountKeys, (error) =>
        connections.log.warn({ err: error }, 'a snapshot could not be used or kept'),
      ),
    };
    const { MAIL_WEBHOOK_KEY: webhookKey } = settings;
    const mailEvents = webhookKey && new MailEventSignature(webhookKey, clock);
    return {
      module: AccountsApiModule,
      imports: [CqrsModule.forRoot()],
      controllers: [
        RegisterAccountController,
        ActivateAccountController,
        RequestActivationCodeController,
        ViewAccountController,
        RecordMailEventController,
      ],
      providers: [
        RegisterAccountHandler,
        ActivateAccountHandler,
        RequestActivationCodeHandler,
        RecordMailEventHandler,
        ActivationQuery,
        RequestContexts,
        ...(mailEvents ? [{ provide: MailEventSignature, useValue: mailEvents }] : []),
        { provide: ACCOUNTS, useValue: accounts },
        { provide: ACTIVATION_POLICY, useValue: policy },
        { provide: PASSWORD_POLICY, useValue: passwordPolicyOf(settings) },
        { provide: GUESSABLE_PASSWORDS, useValue: new KnownPasswords() },
        {
          provide: RegistrationGate,
          useValue: new RegistrationGate(registrationRulesOf(settings)),
        },
        { provide: NewAccounts, useValue: new NewAccounts(connections.accountKeys) },
        { provide: PASSWORD_HASHER, useValue: passwordHasher },
        { provide: ACCOUNTS_VIEW, useValue: database },
        { provide: CLOCK, useValue: clock },
        { provide: AccountIds, useValue: new AccountIds(settings.ADDRESS_KEY) },
        { provide: NetworkNames, useValue: new NetworkNames(settings.ADDRESS_KEY) },
        { provide: ActivationCodes, useValue: new ActivationCodes(settings.ACTIVATION_CODE_KEYS) },
        { provide: ConsistencyTokens, useValue: new ConsistencyTokens(settings.ADDRESS_KEY) },
        {
          provide: ReadYourWrites,
          useValue: new ReadYourWrites(progress, (written) => isInLog(eventStore, written)),
        },
        ...protection(settings, connections),
      ],
    };
  }
}

function registrationRulesOf(settings: AccountsApiSettings): RegistrationRules {
  const { CAPTCHA_VERIFY_URL: verifyUrl, CAPTCHA_SECRET: secret } = settings;
  return {
    registration: settings.REGISTRATION,
    refusedDomains: settings.REFUSED_DOMAINS,
    captcha: verifyUrl && secret ? new Captcha({ verifyUrl, secret }) : undefined,
  };
}

/** Limits for callers, and the log of security events. */
function protection(settings: AccountsApiSettings, connections: ApiConnections): Provider[] {
  const verifiedForMs = settings.CREDENTIAL_CACHE_SECONDS * 1_000;
  return [
    PasswordCheck,
    PasswordHashUpgrades,
    { provide: LIMITS, useValue: limitsOf(settings) },
    { provide: LOG, useValue: connections.log },
    { provide: SecurityEvents, useValue: connections.securityEvents },
    { provide: Throttle, useValue: connections.throttle },
    { provide: VerifiedCredentials, useValue: new VerifiedCredentials(verifiedForMs) },
    { provide: ClientAddresses, useValue: new ClientAddresses(settings.TRUSTED_PROXIES) },
    { provide: UniformAnswers, useValue: new UniformAnswers(settings.ANSWER_BEAT_MS) },
  ];
}

export function passwordPolicyOf(settings: AccountsApiSettings): PasswordPolicy {
  return {
    minLength: settings.PASSWORD_MIN_LENGTH,
    maxLength: settings.PASSWORD_MAX_LENGTH,
    requireDigit: settings.PASSWORD_REQUIRE_DIGIT,
    requireUpperCase: settings.PASSWORD_REQUIRE_UPPER,
    requireLowerCase: settings.PASSWORD_REQUIRE_LOWER,
    requireSpecial: settings.PASSWORD_REQUIRE_SPECIAL,
    serviceName: settings.SERVICE_NAME,
  };
}
