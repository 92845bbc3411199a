import { inboxOf } from '@app/accounts';
import type { AddressKey } from '@app/accounts';
import type { ClientNetworks } from '../client-address/network.js';
import { DAY_MS } from './limits.js';
import type { Limits } from './limits.js';
import type { Counted, Mark } from './throttle.js';

/** What one call counts that may cause a mail to an address, whether it causes one or not. */
export interface CountedMail {
  readonly ofDomain: readonly Counted[];
  /** What the caller's own network has left. */
  readonly ofPair: readonly Counted[];
  /** What all networks together have left. */
  readonly ofInbox: readonly Counted[];
  readonly mark: Mark;
}

/**
 * A call is charged alike whatever the address has: what is left tells nothing of it. All spellings of an address with
 * tags and dots are one inbox.
 */
export function countedMail(
  limits: Limits,
  address: AddressKey,
  { network }: ClientNetworks,
): CountedMail {
  const inbox = inboxOf(address);
  const pair = `${inbox}\0${network}`;
  const mark: Mark = { name: 'mailed-today', caller: pair, of: inbox, lastsMs: DAY_MS };
  const domain = inbox.slice(inbox.lastIndexOf('@') + 1);
  return {
    ofDomain: [{ limit: limits.mailsOfDomain, caller: `${domain}\0${network}` }],
    ofPair: [
      { limit: limits.mailsOfPair, caller: pair, of: inbox },
      { limit: limits.mailsOfPairPerDay, caller: pair, of: inbox },
    ],
    ofInbox: [{ limit: limits.mailsOfInbox, caller: inbox, of: inbox, whileMarked: mark }],
    mark,
  };
}
