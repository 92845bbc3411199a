import { Command } from '@nestjs/cqrs';

/** Destroys the keys to what is known of a person. Safe to repeat. */
export class ForgetPerson extends Command<void> {
  constructor(
    readonly accountId: string,
    /** The newest registration of the person: whoever registers the address later is somebody else. */
    readonly registrationNumber: number,
  ) {
    super();
  }
}
