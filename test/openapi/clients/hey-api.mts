/** The calls as an app makes them with the functions that @hey-api/openapi-ts writes. */
import { createClient } from './hey-api/client/index.js';
import type { Problem } from './hey-api/types.gen.js';
import {
  activateAccount,
  registerAccount,
  requestActivationCode,
  viewAccount,
} from './hey-api/sdk.gen.js';

export function connect(baseUrl: string, email: string, password: string) {
  const client = createClient({ baseUrl, auth: `${email}:${password}` });
  const outcome = (response: Response | undefined, status?: string, problem?: Problem) => ({
    code: response?.status,
    account: status,
    problem: problem?.type,
    attemptsLeft: problem?.attemptsLeft,
    saysWhen: (problem?.retryAfterSeconds ?? 0) > 0,
    field: problem?.errors?.[0]?.field,
  });
  return {
    async register(address = email) {
      const body = { email: address, password };
      const { data, error, response } = await registerAccount({ client, body });
      return outcome(response, data?.accountId, error);
    },
    async activate(code: string) {
      const { data, error, response } = await activateAccount({ client, body: { code } });
      return outcome(response, data?.status, error);
    },
    async requestCode() {
      const { data, error, response } = await requestActivationCode({ client });
      return outcome(response, data?.message, error);
    },
    async view() {
      const { data, error, response } = await viewAccount({ client, query: { wait: 'sent' } });
      const attemptsLeft = data?.activation?.attemptsLeft;
      return { ...outcome(response, data?.status, error), attemptsLeft };
    },
  };
}
