/** The calls as an app makes them with openapi-fetch and the types of openapi-typescript. */
import createClient from 'openapi-fetch';
import type { components, paths } from './accounts.js';

type Problem = components['schemas']['Problem'];

export function connect(baseUrl: string, email: string, password: string) {
  const api = createClient<paths>({ baseUrl });
  const headers = { Authorization: `Basic ${btoa(`${email}:${password}`)}` };
  const outcome = (response: Response, status: string | undefined, problem?: Problem) => ({
    code: response.status,
    account: status,
    problem: problem?.type,
    attemptsLeft: problem?.attemptsLeft,
    saysWhen: (problem?.retryAfterSeconds ?? 0) > 0,
    field: problem?.errors?.[0]?.field,
  });
  return {
    async register(address = email) {
      const body = { email: address, password };
      const { data, error, response } = await api.POST('/v1/accounts', { body });
      return outcome(response, data?.accountId, error);
    },
    async activate(code: string) {
      const { data, error, response } = await api.POST('/v1/account/activation', {
        headers,
        body: { code },
      });
      return outcome(response, data?.status, error);
    },
    async requestCode() {
      const { data, error, response } = await api.POST('/v1/account/activation-code', { headers });
      return outcome(response, data?.message, error);
    },
    async view() {
      const { data, error, response } = await api.GET('/v1/account', {
        headers,
        params: { query: { wait: 'sent' } },
      });
      const attemptsLeft = data?.activation?.attemptsLeft;
      return { ...outcome(response, data?.status, error), attemptsLeft };
    },
  };
}
