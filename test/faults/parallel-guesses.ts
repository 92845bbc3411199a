import { expect } from '@jest/globals';
import { Backstage, anotherCode } from '../api/account-client.js';
import type { AccountClient, Answer } from '../api/account-client.js';
import { eventually } from '../support/eventually.js';
import { registerMany } from '../mail/mail-provider.js';
import type { Registered } from '../mail/mail-provider.js';
import type { ThreeApis } from './three-apis.js';

/** One account with the code that was mailed to it. */
export interface Target extends Registered {
  readonly code: string;
}

/** So many new accounts, their codes fresh. */
export async function targets(apis: ThreeApis, backstage: Backstage, count: number) {
  const accounts = await registerMany(apis.clients[0], count);
  return Promise.all(
    accounts.map(async (account): Promise<Target> => {
      const code = await backstage.codeFor(account);
      // A process that did not register it knows the account as soon as the read model does.
      await eventually(async () => expect((await apis.clients[1].view(account)).status).toBe(200));
      return { ...account, code };
    }),
  );
}

/** The same call at the same time, so many times, spread over the three processes. */
export function inParallel(
  { clients }: ThreeApis,
  times: number,
  call: (client: AccountClient) => Promise<Answer>,
): Promise<Answer[]> {
  return Promise.all(
    Array.from({ length: times }, (_, index) =>
      call(clients[index % clients.length] ?? clients[0]),
    ),
  );
}

/** Right codes in parallel: exactly one is told that it activated the account. */
export async function raceRightCodes(apis: ThreeApis, target: Target, times: number) {
  const answers = await inParallel(apis, times, (client) => client.activate(target, target.code));
  const statuses = answers.map(({ status }) => status);
  expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  // The others hear that it is active already; where too many came at once, that they may ask again.
  const others = statuses.filter((status) => status !== 200);
  expect(others.filter((status) => status !== 409 && status !== 429 && status !== 503)).toEqual([]);
}

/** Wrong guesses in parallel: no more are compared than a code has, whatever each is told. */
export async function raceWrongGuesses(
  apis: ThreeApis,
  backstage: Backstage,
  target: Target,
  times: number,
) {
  const wrong = anotherCode(target.code);
  const answers = await inParallel(apis, times, (client) => client.activate(target, wrong));
  const compared = answers.filter(({ status }) => status === 422);
  expect(compared.length).toBeLessThanOrEqual(3);
  const left = compared.map(({ body }) => Number(body['attemptsLeft'])).sort();
  expect(left).toEqual([0, 1, 2].slice(3 - compared.length));
  const refusals = answers.map(({ status }) => status).filter((status) => status !== 422);
  expect(refusals.filter((status) => ![410, 429, 503].includes(status))).toEqual([]);

  const history = await backstage.historyOf(target.accountId);
  const counted = history.filter(
    ({ type, data }) =>
      type === 'ActivationRefused' && (data as { reason: string }).reason === 'incorrect',
  );
  expect(counted).toHaveLength(compared.length);
  expect(counted.length).toBe(3);
}
