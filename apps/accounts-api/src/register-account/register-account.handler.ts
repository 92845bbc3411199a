import { AccountIds, ActivationCodes, NetworkNames } from '@app/account-secrets';
import { accountStreamName, addressKeyOf, networkKeyOf } from '@app/accounts';
import type {
  Account,
  AccountCommand,
  RegisterAccount,
  RegistrationAllowance,
} from '@app/accounts';
import { emptyStream, handleCommand } from '@app/event-store';
import type { LoadedStream } from '@app/event-store';
import { ACCOUNTS } from '@app/personal-data';
import type { Accounts } from '@app/personal-data';
import { CLOCK } from '@app/process';
import type { Clock } from '@app/process';
import { Inject } from '@nestjs/common';
import { Command, CommandHandler } from '@nestjs/cqrs';
import type { ICommandHandler } from '@nestjs/cqrs';
import { VerifiedCredentials } from '../basic-auth/verified-credentials.js';
import { ReadYourWrites } from '../read-your-writes/read-your-writes.js';
import type { WrittenAt } from '../read-your-writes/read-your-writes.js';
import { commandContext } from '../request-context.js';
import type { RequestContext } from '../request-context.js';
import { SecurityEvents } from '../security-events/security-events.js';
import { UniformAnswers } from '../uniform-answers/uniform-answers.js';
import { PASSWORD_HASHER } from '../passwords/password-hasher.js';
import type { PasswordHasher } from '../passwords/password-hasher.js';
import { NewAccounts } from './new-accounts.js';

/** A client asks for an account for this address. The answer is the same for a new, pending or active one. */
export class RegisterAccountCommand extends Command<WrittenAt & { readonly accountId: string }> {
  constructor(
    readonly address: string,
    readonly password: string,
    readonly context: RequestContext,
    readonly allowed: RegistrationAllowance = 'registration-and-mail',
  ) {
    super();
  }
}

/** Takes the same steps at the same cost for an address that is new, pending or active. */
@CommandHandler(RegisterAccountCommand)
export class RegisterAccountHandler implements ICommandHandler<RegisterAccountCommand> {
  constructor(
    @Inject(ACCOUNTS) private readonly accounts: Accounts,
    @Inject(PASSWORD_HASHER) private readonly passwordHasher: PasswordHasher,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly accountIds: AccountIds,
    private readonly activationCodes: ActivationCodes,
    private readonly networkNames: NetworkNames,
    private readonly readYourWrites: ReadYourWrites,
    private readonly uniformAnswers: UniformAnswers,
    private readonly securityEvents: SecurityEvents,
    private readonly newAccounts: NewAccounts,
    private readonly verified: VerifiedCredentials,
  ) {}

  async execute({
    address,
    password,
    context,
    allowed,
  }: RegisterAccountCommand): Promise<WrittenAt & { readonly accountId: string }> {
    const accountId = this.accountIds.accountIdOf(addressKeyOf(address));
    const passwordHash = await this.passwordHasher.hash(password, accountId);
    // From here on the work depends on what the address has already, down to the lines that are logged.
    return this.uniformAnswers.atTheBeat(async () => {
      const asked = { address, passwordHash, allowed };
      const { events, state, appended } = await this.append(accountId, asked, context);
      this.remember(accountId, state, { password, passwordHash });
      const written = this.readYourWrites.remember(accountId, appended);
      this.securityEvents.accountChanged({ requestId: context.requestId, accountId }, events);
      return { accountId, written };
    });
  }

  /** The call that activates this claim in a moment need not hash the same password again. */
  private remember(
    accountId: string,
    state: Account,
    {
      password,
      passwordHash,
    }: Pick<RegisterAccount, 'passwordHash'> & { readonly password: string },
  ): void {
    const claims = state.status === 'pending' ? state.claims : [];
    const made = claims.find((claim) => claim.passwordHash === passwordHash);
    if (made === undefined) return;
    this.verified.remember({ accountId, claimNumber: made.number, passwordHash }, password, false);
  }

  private append(
    accountId: string,
    asked: Pick<RegisterAccount, 'address' | 'passwordHash' | 'allowed'>,
    context: RequestContext,
  ) {
    const newKey = this.networkNames.newKey();
    const decide = (loaded?: LoadedStream<Account>) =>
      handleCommand(
        this.accounts,
        accountStreamName(accountId),
        (state): AccountCommand => ({
          type: 'RegisterAccount',
          ...asked,
          network: this.networkNames.nameOf(networkKeyOf(state) ?? newKey, context.network),
          networkKey: newKey,
          nonce: this.activationCodes.newNonce(),
          keyId: this.activationCodes.currentKeyId,
          language: context.language,
          now: this.clock(),
        }),
        commandContext(context, 'anonymous'),
        loaded,
      );
    // It appends nothing, and would leave a key without an account behind.
    if (asked.allowed === 'nothing') return decide();
    return this.newAccounts.begin(accountId, (isNew) =>
      decide(isNew ? emptyStream(this.accounts) : undefined),
    );
  }
}
