import { Problem, invalidRequest } from '@app/http-service';
import { LOG } from '@app/process';
import type { Log } from '@app/process';
import { Inject } from '@nestjs/common';
import { Command, CommandHandler } from '@nestjs/cqrs';
import type { ICommandHandler } from '@nestjs/cqrs';
import { adminProblems } from '../admin-problems.js';
import { AdminKeys } from './admin-keys.js';
import type { AdminKeyView, IssuedKey, NewKey } from './admin-keys.js';
import { actorOf } from './caller.js';
import type { Caller } from './caller.js';

/** An operator makes a key, with scopes of their own and no longer than their own holds. */
export class IssueAdminKeyCommand extends Command<IssuedKey> {
  constructor(
    readonly wanted: NewKey,
    readonly caller: Caller,
  ) {
    super();
  }
}

@CommandHandler(IssueAdminKeyCommand)
export class IssueAdminKeyHandler implements ICommandHandler<IssueAdminKeyCommand> {
  constructor(
    private readonly keys: AdminKeys,
    @Inject(LOG) private readonly log: Log,
  ) {}

  /** @throws Problem invalid-request */
  async execute({ wanted, caller }: IssueAdminKeyCommand): Promise<IssuedKey> {
    const beyond = wanted.scopes.filter((scope) => !caller.scopes.has(scope));
    if (beyond.length > 0) {
      const message = `your own key lacks ${beyond.join(', ')}`;
      throw invalidRequest([{ field: 'scopes', message }]);
    }
    const issued = await this.keys.issue(wanted, actorOf(caller), caller.expiresAt);
    if (issued === undefined) {
      const message = `your own key ends at ${caller.expiresAt?.toISOString()}, which is sooner`;
      throw invalidRequest([{ field: 'expiresInDays', message }]);
    }
    const { keyId } = issued;
    this.log.info({ keyId, scopes: issued.scopes, by: caller.keyId }, 'a key was made');
    return issued;
  }
}

/** An operator revokes a key. */
export class RevokeAdminKeyCommand extends Command<AdminKeyView> {
  constructor(
    readonly keyId: string,
    readonly caller: Caller,
  ) {
    super();
  }
}

@CommandHandler(RevokeAdminKeyCommand)
export class RevokeAdminKeyHandler implements ICommandHandler<RevokeAdminKeyCommand> {
  constructor(
    private readonly keys: AdminKeys,
    @Inject(LOG) private readonly log: Log,
  ) {}

  /** @throws Problem admin-key-not-found, LastManagingKey */
  async execute({ keyId, caller }: RevokeAdminKeyCommand): Promise<AdminKeyView> {
    const revoked = await this.keys.revoke(keyId, actorOf(caller));
    if (revoked === undefined) {
      throw new Problem(adminProblems.keyNotFound, 'No key has this id.');
    }
    this.log.info({ keyId: revoked.keyId, by: caller.keyId }, 'a key was revoked');
    return revoked;
  }
}
