import { knownSecrets } from '../api/known-secrets.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';
import { startRestartableApp } from '../support/restartable-app.js';
import type { RestartableApp } from '../support/restartable-app.js';
import { KeepAliveClient } from './keep-alive-client.js';

/** The product with three API processes side by side, as behind a load balancer. */
export interface ThreeApis {
  readonly product: Product;
  readonly clients: readonly [KeepAliveClient, KeepAliveClient, KeepAliveClient];
  stop(): Promise<void>;
}

/** All callers are one machine. */
const WIDE_LIMITS = {
  REGISTRATIONS_PER_NETWORK_PER_HOUR: '1000000',
  NEW_CODES_PER_NETWORK_PER_HOUR: '1000000',
  WRONG_CODES_PER_NETWORK_PER_HOUR: '1000000',
  MAILS_PER_DOMAIN_AND_NETWORK_PER_DAY: '1000000',
  FAILED_LOGINS_PER_NETWORK_PER_HOUR: '1000000',
};

/** @param settings of every API process */
export async function startThreeApis(
  settings: Readonly<Record<string, string>> = {},
): Promise<ThreeApis> {
  const secrets = knownSecrets();
  const product = await startProduct({ environment: { ...secrets, ...settings } });
  const more: RestartableApp[] = [];
  const clients: KeepAliveClient[] = [];
  const clientOf = (url: string): KeepAliveClient => {
    const client = new KeepAliveClient(url);
    clients.push(client);
    return client;
  };
  const stop = async () => {
    for (const client of clients) client.close();
    await Promise.all(more.map((api) => api.stop()));
    await product.stop();
  };
  const another = async (): Promise<KeepAliveClient> => {
    const api = await startRestartableApp('accounts-api/src', (port) => ({
      API_PORT: port('api'),
      EVENTSTORE_URL: product.endpoints.eventstore,
      DATABASE_URL: product.databaseUrls.api,
      BCRYPT_COST: '4',
      ...WIDE_LIMITS,
      ...secrets,
      ...settings,
    }));
    more.push(api);
    return clientOf(api.url('api'));
  };
  try {
    return {
      product,
      clients: [clientOf(product.endpoints.api), await another(), await another()],
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
