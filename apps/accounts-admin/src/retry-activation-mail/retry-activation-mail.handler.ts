import { ActivationCodes } from '@app/account-secrets';
import { accountStreamName, operatorDecider } from '@app/accounts';
import type { AccountEvent, ReissueActivationCode } from '@app/accounts';
import { handleCommand } from '@app/event-store';
import type { EventCodec, EventStore } from '@app/event-store';
import type { Clock } from '@app/service';
import { Inject, Injectable } from '@nestjs/common';
import { actorOf } from '../admin-keys/caller.js';
import type { Caller } from '../admin-keys/caller.js';
import { ACCOUNT_EVENT_CODEC, CLOCK, EVENT_STORE } from '../admin.tokens.js';

export interface RetryActivationMail {
  readonly accountId: string;
  /** The issue that could not be delivered. */
  readonly issueNumber: number;
}

/**
 * Has a new code issued in place of one that could not be delivered; the worker mails it as any other. The
 * old code stays void: its mail may yet arrive somewhere.
 */
@Injectable()
export class RetryActivationMailHandler {
  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore,
    @Inject(ACCOUNT_EVENT_CODEC) private readonly codec: EventCodec<AccountEvent>,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly activationCodes: ActivationCodes,
  ) {}

  /**
   * @returns number of the new issue
   * @throws AccountNotRegistered, AccountAlreadyActive, ActivationCodeNotUndeliverable,
   *   EventStoreUnavailable
   */
  async retry({ accountId, issueNumber }: RetryActivationMail, caller: Caller): Promise<number> {
    const { events } = await handleCommand(
      { store: this.store, codec: this.codec, decider: operatorDecider },
      accountStreamName(accountId),
      (): ReissueActivationCode => ({
        type: 'ReissueActivationCode',
        issueNumber,
        nonce: this.activationCodes.newNonce(),
        keyId: this.activationCodes.currentKeyId,
        now: this.clock(),
      }),
      {
        $correlationId: caller.requestId,
        $causationId: caller.requestId,
        actor: actorOf(caller),
      },
    );
    const [issued] = events;
    if (issued?.type !== 'ActivationCodeIssued') throw new Error('no code was issued');
    return issued.data.issueNumber;
  }
}
