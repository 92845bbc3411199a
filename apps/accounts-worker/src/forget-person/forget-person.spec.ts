import { describe, expect, it } from '@jest/globals';
import { accountStreamName } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import {
  accountErased,
  accountRegistered,
  ada,
  noon,
  registrationLapsed,
} from '@app/accounts/testing/account-examples.js';
import type { RecordedEvent } from '@app/event-store';
import type { ICommand } from '@nestjs/cqrs';
import { from, lastValueFrom, toArray } from 'rxjs';
import {
  ForgetPersonCommand,
  ForgetPersonSaga,
  PersonForgottenEvent,
} from './forget-person.saga.js';

function recorded({ type, data }: AccountEvent): RecordedEvent {
  return {
    id: '00000000-0000-4000-8000-000000000001',
    type,
    data,
    metadata: { schemaVersion: 1, $correlationId: 'c', $causationId: 'c', actor: 'admin:k' },
    streamName: accountStreamName(ada.accountId),
    revision: 4n,
    position: 400n,
    recordedAt: new Date(noon),
  };
}

describe('What follows from forgetting a person', () => {
  it('is that the keys of all their registrations are destroyed', async () => {
    const facts = [accountErased(noon, 2), registrationLapsed(noon, 3), accountRegistered()];
    const events = facts.flatMap((fact) => PersonForgottenEvent.from(recorded(fact), fact) ?? []);
    const commands: ICommand[] = await lastValueFrom(
      new ForgetPersonSaga().forgetPerson(from(events)).pipe(toArray()),
    );
    expect(commands).toEqual([
      new ForgetPersonCommand(new PersonForgottenEvent(ada.accountId, 2)),
      new ForgetPersonCommand(new PersonForgottenEvent(ada.accountId, 3)),
    ]);
  });
});
