import { accountStreamName } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import {
  accountActivated,
  accountErased,
  accountRegistered,
  activationRefused,
  codeIssued,
  codeSent,
  codeUndeliverable,
  mailBounced,
  noon,
  passwordHashUpgraded,
  registeredAnew,
  registrationLapsed,
  registrationRenewed,
} from '@app/accounts/testing/account-examples.js';
import fc from 'fast-check';
import type { ProjectedEvent } from '@app/consumers';

/** `00000000-0000-8000-8000-00000000000n` */
export function exampleAccountId(number: number): string {
  return `00000000-0000-8000-8000-${number.toString(16).padStart(12, '0')}`;
}

const step = fc.constantFrom(
  'renew',
  'upgrade',
  'issue',
  'send',
  'give-up',
  'bounce',
  'guess',
  'activate',
  'forget',
);

/** A log of several accounts' lives, interleaved; each stream begins with its registration. */
export const accountLives: fc.Arbitrary<readonly ProjectedEvent<AccountEvent>[]> = fc
  .array(fc.tuple(fc.nat({ max: 4 }), step), { minLength: 1, maxLength: 60 })
  .map((steps) => {
    const issues = new Map<number, number>();
    const revisions = new Map<number, bigint>();
    const log: ProjectedEvent<AccountEvent>[] = [];
    let at = noon;
    const forgotten = new Set<number>();
    const add = (account: number, event: AccountEvent) => {
      const revision = (revisions.get(account) ?? -1n) + 1n;
      revisions.set(account, revision);
      log.push({
        streamName: accountStreamName(exampleAccountId(account)),
        revision,
        position: 100n * BigInt(log.length + 1),
        event,
      });
    };
    for (const [account, does] of steps) {
      at += 17_000;
      if (!revisions.has(account)) add(account, accountRegistered(at));
      if (forgotten.delete(account)) add(account, registeredAnew(at, log.length));
      const issue = issues.get(account) ?? 0;
      switch (does) {
        case 'renew':
          add(account, registrationRenewed(at, { network: `network ${issue % 3}` }));
          break;
        case 'upgrade':
          add(account, passwordHashUpgraded(at));
          break;
        case 'issue':
          issues.set(account, issue + 1);
          add(account, codeIssued(issue + 1, at));
          break;
        case 'send':
          if (issue > 0) add(account, codeSent(issue, at));
          break;
        case 'give-up':
          if (issue > 0) add(account, codeUndeliverable(issue, at));
          break;
        case 'bounce':
          if (issue > 0) add(account, mailBounced(issue, 'permanent', at));
          break;
        case 'guess':
          if (issue > 0) add(account, activationRefused(issue, 'incorrect', at));
          break;
        case 'forget':
          add(account, issue % 2 === 0 ? registrationLapsed(at) : accountErased(at));
          forgotten.add(account);
          break;
        case 'activate':
          if (issue > 0) add(account, accountActivated(issue, at));
          break;
      }
    }
    return log;
  });
