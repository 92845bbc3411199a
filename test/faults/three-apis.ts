import { AccountClient } from '../api/account-client.js';
import { knownSecrets } from '../api/known-secrets.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';
import { startRestartableApp } from '../support/restartable-app.js';
import type { RestartableApp } from '../support/restartable-app.js';

/** The product with three API processes side by side, as behind a load balancer. */
export interface ThreeApis {
  readonly product: Product;
  readonly clients: readonly [AccountClient, AccountClient, AccountClient];
  stop(): Promise<void>;
}

/** @param settings of every API process */
export async function startThreeApis(
  settings: Readonly<Record<string, string>> = {},
): Promise<ThreeApis> {
  const secrets = knownSecrets();
  const product = await startProduct({ environment: { ...secrets, ...settings } });
  const more: RestartableApp[] = [];
  const stop = async () => {
    await Promise.all(more.map((api) => api.stop()));
    await product.stop();
  };
  const another = async (): Promise<AccountClient> => {
    const api = await startRestartableApp('accounts-api', (port) => ({
      API_PORT: port('api'),
      EVENTSTORE_URL: product.endpoints.eventstore,
      DATABASE_URL: product.endpoints.database,
      BCRYPT_COST: '4',
      ...secrets,
      ...settings,
    }));
    more.push(api);
    return new AccountClient(api.url('api'));
  };
  try {
    return {
      product,
      clients: [new AccountClient(product.endpoints.api), await another(), await another()],
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
