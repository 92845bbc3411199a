import { describe, expect, it } from '@jest/globals';
import {
  accountErased,
  codeIssued,
  noon,
  ownerNoticeIssued,
} from '@app/accounts/testing/account-examples.js';
import type { ICommand, IEvent, ISaga } from '@nestjs/cqrs';
import { from, lastValueFrom, toArray } from 'rxjs';
import {
  ForgetPersonCommand,
  ForgetPersonSaga,
  PersonForgottenEvent,
} from './forget-person/forget-person.saga.js';
import {
  NotifyOwnerCommand,
  NotifyOwnerSaga,
  OwnerNoticeIssuedEvent,
} from './notify-owner/notify-owner.saga.js';
import { accountId, correlationId, eventId } from './testing/worker-examples.js';
import {
  ActivationCodeIssuedEvent,
  SendActivationCodeCommand,
  SendActivationCodeSaga,
} from './send-activation-code/send-activation-code.saga.js';

const whence = [eventId, correlationId] as const;
const issued = new ActivationCodeIssuedEvent(accountId, codeIssued(3).data, ...whence);
const noticed = new OwnerNoticeIssuedEvent(accountId, ownerNoticeIssued(2, noon).data, ...whence);
const forgotten = new PersonForgottenEvent(accountId, accountErased(noon, 2).data, ...whence);

const sagas: readonly ISaga[] = [
  (events) => new SendActivationCodeSaga().sendActivationCode(events),
  (events) => new NotifyOwnerSaga().notifyOwner(events),
  (events) => new ForgetPersonSaga().forgetPerson(events),
];

/** What all sagas together ask for. */
async function commandsAfter(event: IEvent): Promise<ICommand[]> {
  const asked = sagas.map((saga) => lastValueFrom(saga(from([event])).pipe(toArray())));
  return (await Promise.all(asked)).flat();
}

describe('Whenever', () => {
  it('a code is issued, it is sent', async () => {
    const [command, ...others] = await commandsAfter(issued);
    expect(command).toBeInstanceOf(SendActivationCodeCommand);
    expect(command).toEqual({ issued });
    expect(others).toEqual([]);
  });

  it('a notice to the owner is issued, it is sent', async () => {
    const [command, ...others] = await commandsAfter(noticed);
    expect(command).toBeInstanceOf(NotifyOwnerCommand);
    expect(command).toEqual({ issued: noticed });
    expect(others).toEqual([]);
  });

  it('a person is to be forgotten, the keys of all their registrations are destroyed', async () => {
    const [command, ...others] = await commandsAfter(forgotten);
    expect(command).toBeInstanceOf(ForgetPersonCommand);
    expect(command).toEqual({ person: forgotten });
    expect(others).toEqual([]);
  });

  it('anything else happens, nothing is done', async () => {
    expect(await commandsAfter({ something: 'else' })).toEqual([]);
  });
});
