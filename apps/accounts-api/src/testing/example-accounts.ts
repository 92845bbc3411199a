import { randomBytes } from 'node:crypto';
import { AccountIds, ActivationCodes, KeyRing, NetworkNames } from '@app/account-secrets';
import {
  accountDecider,
  accountStreamName,
  addressKeyOf,
  defaultActivationPolicy,
} from '@app/accounts';
import type { AccountEvent, ActivationPolicy } from '@app/accounts';
import { handleCommand, loadStream } from '@app/event-store';
import { InMemoryEventStore } from '@app/event-store/testing/in-memory-event-store.js';
import type { Accounts } from '@app/personal-data';
import { plainAccountCodec } from '@app/personal-data/testing/plain-account-codec.js';
import { pino } from 'pino';
import { VerifiedCredentials } from '../basic-auth/verified-credentials.js';
import type { ProvenClaim } from '../basic-auth/proven-account.js';
import { ActivateAccountHandler } from '../activate-account/activate-account.handler.js';
import { ConsistencyTokens } from '../read-your-writes/consistency-tokens.js';
import { ReadYourWrites } from '../read-your-writes/read-your-writes.js';
import type { Progress } from '../read-your-writes/read-your-writes.js';
import { isInLog } from '../read-your-writes/written-event.js';
import type { PasswordHasher, StoredHash } from '../passwords/password-hasher.js';
import { NewAccounts } from '../register-account/new-accounts.js';
import { RegisterAccountHandler } from '../register-account/register-account.handler.js';
import { RequestActivationCodeHandler } from '../request-activation-code/request-activation-code.handler.js';
import type { RequestContext } from '../request-context.js';
import { SecurityEvents } from '../security-events/security-events.js';
import { PasswordHashUpgrades } from '../upgrade-password-hash/password-hash-upgrades.js';
import { UniformAnswers } from '../uniform-answers/uniform-answers.js';

export const exampleAddress = 'Ada@Example.org';
export const exampleContext: RequestContext = {
  requestId: '5f0c6f0e-1b7a-4c55-9a53-0d8a7f3a2b10',
  client: { address: '203.0.113.9', userAgent: 'example/1.0' },
  network: '203.0.113.0/24',
};

/** Hashes nothing: shows what was asked of it. */
class CountingPasswordHasher implements PasswordHasher {
  hashed = 0;
  verified = 0;

  async hash(password: string): Promise<string> {
    this.hashed++;
    return `hash of ${password}`;
  }

  assertRoom(): void {
    return;
  }

  isOutdated(storedHash: string): boolean {
    return storedHash.startsWith('old ');
  }

  async verify(password: string, stored: StoredHash | undefined): Promise<boolean> {
    this.verified++;
    return stored?.passwordHash.replace(/^old /, '') === `hash of ${password}`;
  }
}

/** What the read model was waited for. */
class RecordingProgress implements Progress {
  readonly waitedFor: bigint[] = [];

  hasReached(): boolean {
    return false;
  }

  async waitUntil(position: bigint): Promise<void> {
    this.waitedFor.push(position);
  }
}

/** The handlers over a store in memory, with a clock that stands until it is moved. */
export class ExampleAccounts {
  readonly store = new InMemoryEventStore();
  readonly passwordHasher = new CountingPasswordHasher();
  readonly progress = new RecordingProgress();
  readonly readYourWrites = new ReadYourWrites(this.progress, (written) =>
    isInLog(this.store, written),
  );
  readonly consistencyTokens = new ConsistencyTokens(randomBytes(32));
  /** Every line that was logged. */
  readonly logged: Record<string, unknown>[] = [];
  readonly log = pino(
    { level: 'trace' },
    { write: (line: string) => void this.logged.push(JSON.parse(line) as Record<string, unknown>) },
  );
  readonly securityEvents = new SecurityEvents(this.log);
  readonly uniformAnswers = new UniformAnswers(0);
  readonly accountIds = new AccountIds(randomBytes(32));
  readonly networkNames = new NetworkNames(randomBytes(32));
  readonly activationCodes: ActivationCodes;
  readonly accountId: string;
  /** Passwords that were chosen or proven within a minute. */
  readonly verified = new VerifiedCredentials(60_000, () => this.now);
  /** Accounts of which PostgreSQL knows. */
  readonly known = new Set<string>();
  readonly register: RegisterAccountHandler;
  readonly activate: ActivateAccountHandler;
  readonly requestCode: RequestActivationCodeHandler;
  readonly upgrades: PasswordHashUpgrades;
  now = Date.UTC(2026, 10, 22, 12);
  readonly accounts: Accounts;

  constructor(policy: ActivationPolicy = defaultActivationPolicy) {
    const key = randomBytes(32).toString('base64');
    this.activationCodes = new ActivationCodes(KeyRing.parse(`k1:${key}`, 'ACTIVATION_CODE_KEYS'));
    this.accountId = this.accountIds.accountIdOf(addressKeyOf(exampleAddress));
    this.accounts = {
      store: this.store,
      codec: plainAccountCodec,
      decider: accountDecider(policy),
    };
    const clock = () => this.now;
    this.register = new RegisterAccountHandler(
      this.accounts,
      this.passwordHasher,
      clock,
      this.accountIds,
      this.activationCodes,
      this.networkNames,
      this.readYourWrites,
      this.uniformAnswers,
      this.securityEvents,
      new NewAccounts({ begin: async (accountId) => this.begin(accountId) }),
      this.verified,
    );
    this.activate = new ActivateAccountHandler(
      this.accounts,
      policy,
      clock,
      this.activationCodes,
      this.readYourWrites,
      this.securityEvents,
    );
    this.upgrades = new PasswordHashUpgrades(
      this.accounts,
      this.passwordHasher,
      clock,
      this.log,
      this.readYourWrites,
    );
    this.requestCode = new RequestActivationCodeHandler(
      this.accounts,
      policy,
      clock,
      this.activationCodes,
      this.readYourWrites,
    );
  }

  private begin(accountId: string) {
    const isNew = !this.known.has(accountId);
    this.known.add(accountId);
    return { isNew, server: 'the only one' };
  }

  /** Somebody registered the account, whose password is kept under this hash. */
  async registered(passwordHash: string): Promise<void> {
    await handleCommand(
      this.accounts,
      accountStreamName(this.accountId),
      () => ({
        type: 'RegisterAccount' as const,
        address: exampleAddress,
        passwordHash,
        network: 'home',
        networkKey: this.networkNames.newKey(),
        nonce: this.activationCodes.newNonce(),
        keyId: this.activationCodes.currentKeyId,
        language: 'en' as const,
        now: this.now,
      }),
      { $correlationId: '', $causationId: '', actor: 'anonymous' },
    );
  }

  /** A caller who proved this claim, and no other. */
  proven(claimNumber: number): ProvenClaim {
    return { accountId: this.accountId, claimNumber, proveAgain: async () => undefined };
  }

  /** The facts of the account so far. */
  async history(): Promise<readonly AccountEvent[]> {
    const recorded = await this.recorded();
    return plainAccountCodec.decode(recorded);
  }

  async recorded() {
    const recorded = [];
    for await (const event of this.store.readStream(accountStreamName(this.accountId))) {
      recorded.push(event);
    }
    return recorded;
  }

  /** The newest code, as it stands in the mail. */
  async code(): Promise<string> {
    const { state } = await loadStream(this.accounts, accountStreamName(this.accountId));
    if (state.status !== 'pending' || !state.code) throw new Error('there is no code');
    return this.activationCodes.codeFor(this.accountId, state.code);
  }

  /** Any code but the newest. */
  async wrongCode(): Promise<string> {
    return (await this.code()) === '0000' ? '1111' : '0000';
  }

  /** The provider took the mail of the newest code, now. */
  async mailed(): Promise<void> {
    await this.decide((issueNumber) => ({
      type: 'RecordActivationCodeSent',
      issueNumber,
      sentAt: this.now,
      providerMessageId: 'message-1',
    }));
  }

  /** The provider refused the mail of the newest code for good. */
  async undeliverable(): Promise<void> {
    await this.decide((issueNumber) => ({
      type: 'RecordActivationCodeUndeliverable',
      issueNumber,
      reason: 'refused',
      attempts: 1,
      now: this.now,
    }));
  }

  private async decide(
    command: (issueNumber: number) => Parameters<Accounts['decider']['decide']>[0],
  ): Promise<void> {
    await handleCommand(
      this.accounts,
      accountStreamName(this.accountId),
      (state) => {
        if (state.status !== 'pending' || !state.code) throw new Error('there is no code');
        return command(state.code.issueNumber);
      },
      { $correlationId: '', $causationId: '', actor: 'worker' },
    );
  }
}
