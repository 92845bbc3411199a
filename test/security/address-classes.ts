import { randomBytes } from 'node:crypto';
import { AccountClient, Backstage, anotherCode, newCaller } from '../api/account-client.js';
import type { Credentials } from '../api/account-client.js';
import { knownSecrets } from '../api/known-secrets.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';
import { startRestartableApp } from '../support/restartable-app.js';
import type { RestartableApp } from '../support/restartable-app.js';

/** All that an address can be to the service; no answer may reveal which. */
export const ADDRESS_CLASSES = ['absent', 'pending', 'contested', 'active', 'erased'] as const;
export type AddressClass = (typeof ADDRESS_CLASSES)[number];

/** Addresses made at the same time. */
const LANES = 6;

/** The product with an operator who can erase accounts. */
export class AddressClasses {
  private constructor(
    readonly product: Product,
    readonly admin: RestartableApp,
    readonly adminKey: string,
    private readonly client: AccountClient,
    private readonly backstage: Backstage,
  ) {}

  static async start(): Promise<AddressClasses> {
    const secrets = knownSecrets();
    const adminKey = `spec-key.${randomBytes(32).toString('base64url')}`;
    // Three guesses at one code make an address contested, so that the test need not wait for others.
    const product = await startProduct({ environment: { ...secrets, GUESSES_PER_DAY: '3' } });
    try {
      const admin = await startRestartableApp('accounts-admin/src', (port) => ({
        EVENTSTORE_URL: product.endpoints.eventstore,
        DATABASE_URL: product.databaseUrls.admin,
        ADMIN_PORT: port('admin'),
        ...secrets,
        RECEIPT_KEY: randomBytes(32).toString('base64'),
        ADMIN_KEY: adminKey,
      }));
      const client = new AccountClient(product.endpoints.api);
      return new AddressClasses(product, admin, adminKey, client, new Backstage(product));
    } catch (error) {
      await product.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.backstage.close();
    await this.admin.stop();
    await this.product.stop();
  }

  /** So many addresses that are that, with the password that is or was right. */
  async make(whose: AddressClass, count: number): Promise<Credentials[]> {
    const made: Credentials[] = [];
    let begun = 0;
    const lane = async () => {
      while (begun++ < count) made.push(await this.makeOne(whose));
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return made;
  }

  private async makeOne(whose: AddressClass): Promise<Credentials> {
    const caller = newCaller();
    if (whose === 'absent') return caller;
    const { body } = await this.client.register(caller);
    if (whose === 'contested') {
      const wrong = anotherCode(await this.backstage.codeFor(caller));
      for (let guesses = 0; guesses < 3; guesses += 1) await this.client.activate(caller, wrong);
      await this.backstage.longCodeFor(caller);
    }
    if (whose === 'active') {
      await this.client.activate(caller, await this.backstage.codeFor(caller));
    }
    if (whose === 'erased') await this.erase(String(body['accountId']));
    return caller;
  }

  private async erase(accountId: string): Promise<void> {
    const url = `${this.admin.url('admin')}/admin/v1/accounts/${accountId}?reason=requested-by-owner`;
    const response = await fetch(url, {
      method: 'DELETE',
      headers: { Authorization: `Bearer ${this.adminKey}` },
    });
    const answer = await response.text();
    if (response.status !== 200) throw new Error(`not erased: ${response.status} ${answer}`);
  }
}
