import { describe, expect, it } from '@jest/globals';
import type { AccountEvent } from '@app/accounts';
import {
  accountActivated,
  accountRegistered,
  codeIssued,
  noon,
  ownerNoticeIssued,
  registrationRefused,
} from '@app/accounts/testing/account-examples.js';
import type { RecordedEvent } from '@app/event-store';
import { from, lastValueFrom, toArray } from 'rxjs';
import {
  NotifyOwnerCommand,
  NotifyOwnerSaga,
  OwnerNoticeIssuedEvent,
} from '../notify-owner/notify-owner.saga.js';
import { accountId, correlationId, eventId } from '../testing/worker-examples.js';
import {
  ActivationCodeIssuedEvent,
  SendActivationCodeCommand,
  SendActivationCodeSaga,
} from './send-activation-code.saga.js';

function recorded(event: AccountEvent): RecordedEvent {
  return {
    id: eventId,
    ...event,
    metadata: {
      schemaVersion: 1,
      $correlationId: correlationId,
      $causationId: correlationId,
      actor: 'anonymous',
    },
    streamName: `account-${accountId}`,
    revision: 1n,
    position: 1n,
    recordedAt: new Date(noon),
  };
}

/** What the sagas see of some facts, and what both of them ask for. */
async function commandsAfter(...facts: AccountEvent[]): Promise<unknown[]> {
  const seen = facts.flatMap(
    (fact) =>
      ActivationCodeIssuedEvent.from(recorded(fact), fact) ??
      OwnerNoticeIssuedEvent.from(recorded(fact), fact) ??
      [],
  );
  const ask = async (saga: SendActivationCodeSaga['sendActivationCode']) =>
    lastValueFrom(saga(from(seen)).pipe(toArray()));
  return [
    ...(await ask((events) => new SendActivationCodeSaga().sendActivationCode(events))),
    ...(await ask((events) => new NotifyOwnerSaga().notifyOwner(events))),
  ];
}

describe('Whenever', () => {
  it('a code is issued, it is sent, as a consequence of that fact', async () => {
    expect(await commandsAfter(codeIssued(3))).toEqual([
      new SendActivationCodeCommand(
        new ActivationCodeIssuedEvent(accountId, 3, eventId, correlationId),
      ),
    ]);
  });

  it('a notice to the owner is issued, it is sent, as a consequence of that fact', async () => {
    expect(await commandsAfter(ownerNoticeIssued(2, noon))).toEqual([
      new NotifyOwnerCommand(new OwnerNoticeIssuedEvent(accountId, 2, eventId, correlationId)),
    ]);
  });

  it('anything else happens, nothing is sent', async () => {
    const others = [accountRegistered(), registrationRefused(noon), accountActivated(1, noon)];
    expect(await commandsAfter(...others)).toEqual([]);
  });
});
