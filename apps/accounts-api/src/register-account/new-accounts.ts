import type { AppendResult } from '@app/event-store';
import type { AccountKeys, SeenServer } from '@app/personal-data';

/** Decides upon accounts that PostgreSQL knows nothing of without reading their streams (ADR 151). */
export class NewAccounts {
  /** Since the first registration that this process recorded while this server was in use. */
  private seen: SeenServer | undefined;

  constructor(private readonly keys: Pick<AccountKeys, 'begin'>) {}

  /**
   * @param decide appends on the condition that there is no stream, where the account is new: one that has a stream all
   *   the same is read then
   * @throws what `decide` throws, and what `AccountKeys.begin` throws
   */
  async begin<Decided extends { readonly appended: AppendResult | undefined }>(
    accountId: string,
    decide: (isNew: boolean) => Promise<Decided>,
  ): Promise<Decided> {
    const { isNew, server } = await this.keys.begin(accountId, this.seen);
    const decided = await decide(isNew);
    const { appended } = decided;
    if (server !== undefined && server !== this.seen?.server && appended !== undefined) {
      this.seen = { server, position: appended.position };
    }
    return decided;
  }
}
