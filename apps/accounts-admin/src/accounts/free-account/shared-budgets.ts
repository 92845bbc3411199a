import { BucketNames, SHARED_LIMITS } from '@app/account-secrets';
import { addressKeyOf, inboxOf } from '@app/accounts';
import type { Queryable } from '@app/postgres';

/** What callers from everywhere have used of what one address or its inbox may have, each from 0 to 1. */
export interface UsedBudgets {
  /** Of the mails that the inbox gets in a day. */
  readonly mails: number;
  /** Of the registrations of the address in an hour. */
  readonly registrations: number;
}

/** What the API counts of an address beside its events, as operators see and end it. */
export class SharedBudgets {
  constructor(
    private readonly database: Queryable,
    private readonly names: BucketNames,
  ) {}

  /**
   * @param address undefined when it is not known any more: then nothing is known of its mails
   * @throws DatabaseUnavailable
   */
  async usedOf(accountId: string, address: string | undefined): Promise<UsedBudgets> {
    const { mails: ofInbox, registrations: ofAddress } = SHARED_LIMITS;
    const inbox = address && inboxOf(addressKeyOf(address));
    const registrations = this.names.nameOf(ofAddress.name, accountId, accountId);
    const mails = inbox ? this.names.nameOf(ofInbox.name, inbox, inbox) : '';
    const { rows } = await this.database.query<{ key: string; flows_back_in_ms: number }>({
      name: 'find-used-buckets',
      text: `select key, extract(epoch from full_at - now())::float8 * 1000 as flows_back_in_ms
             from throttling.buckets where key = any($1) and full_at > now()`,
      values: [[mails, registrations]],
    });
    // What was taken flows back evenly: a bucket that was emptied is full again after its period.
    const usedOf = (wanted: string, periodMs: number) =>
      Math.min(1, (rows.find(({ key }) => key === wanted)?.flows_back_in_ms ?? 0) / periodMs);
    return {
      mails: usedOf(mails, ofInbox.periodMs),
      registrations: usedOf(registrations, ofAddress.periodMs),
    };
  }

  /**
   * Everything that is counted of mails to the inbox and of registrations of the address begins anew, for every network.
   *
   * @throws DatabaseUnavailable
   */
  async end(accountId: string, address: string | undefined): Promise<void> {
    const inboxes = address === undefined ? [] : [inboxOf(addressKeyOf(address))];
    const beginnings = [accountId, ...inboxes].map((of) => this.names.beginningOf(of));
    await this.database.query({
      name: 'end-buckets',
      text: `delete from throttling.buckets
             where exists (select from unnest($1::text[]) as beginning where starts_with(key, beginning))`,
      values: [beginnings],
    });
  }
}
