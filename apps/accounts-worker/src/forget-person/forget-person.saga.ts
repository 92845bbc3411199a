import { Injectable } from '@nestjs/common';
import { Saga, ofType } from '@nestjs/cqrs';
import type { ICommand, IEvent } from '@nestjs/cqrs';
import { map } from 'rxjs';
import type { Observable } from 'rxjs';
import { ForgetPerson } from './forget-person.command.js';
import { PersonForgotten } from './person-forgotten.js';

/** Whenever an account is erased or a registration lapses, destroy the keys of the person. */
@Injectable()
export class ForgetPersonSaga {
  @Saga()
  forgetPerson(events$: Observable<IEvent>): Observable<ICommand> {
    return events$.pipe(
      ofType(PersonForgotten),
      map(({ accountId, registrationNumber }) => new ForgetPerson(accountId, registrationNumber)),
    );
  }
}
