import { expect } from '@jest/globals';
import { Backstage, anotherCode, newCaller } from '../api/account-client.js';
import type { AccountClient, Answer } from '../api/account-client.js';
import { eventually } from '../support/eventually.js';
import type { Registered } from '../mail/mail-provider.js';
import type { ThreeApis } from './three-apis.js';

/** One account with the code that was mailed to it. */
export interface Target extends Registered {
  readonly code: string;
}

/** A new account, its code fresh, that all processes know. */
export async function newTarget(
  { clients: [client, ...others] }: ThreeApis,
  backstage: Backstage,
): Promise<Target> {
  const caller = newCaller();
  // Where hundreds of passwords wait, one more is sent away for a moment: 503 with Retry-After.
  const { headers, body } = await eventually(async () => {
    const answer = await client.register(caller);
    expect(answer.status).toBe(202);
    return answer;
  });
  const token = { 'Consistency-Token': headers.get('Consistency-Token') ?? '' };
  for (const other of others) expect((await other.view(caller, token)).status).toBe(200);
  const accountId = String(body['accountId']);
  return { ...caller, accountId, code: await backstage.codeFor(caller) };
}

/** The same account with its next code, as soon as it may have one. */
export async function withNextCode(
  { clients: [client] }: ThreeApis,
  backstage: Backstage,
  target: Target,
  issueNumber: number,
): Promise<Target> {
  await eventually(async () => expect((await client.requestCode(target)).status).toBe(202), {
    every: 50,
  });
  return { ...target, code: await backstage.codeFor(target, issueNumber) };
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

/** Right codes in parallel: exactly one answer says that the call activated the account. */
export async function raceRightCodes(apis: ThreeApis, target: Target, times: number) {
  const answers = await inParallel(apis, times, (client) => client.activate(target, target.code));
  const statuses = answers.map(({ status }) => status);
  expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  // The others hear that it is active already; where too many came at once, that they may ask again.
  const others = statuses.filter((status) => status !== 200);
  expect(others.filter((status) => status !== 409 && status !== 429 && status !== 503)).toEqual([]);
}

/**
 * Wrong guesses in parallel: exactly as many are compared as are left, whatever the answers.
 *
 * @param issueNumber of the target's code
 * @param left guesses that this code still has: three, or what the day leaves
 */
export async function raceWrongGuesses(
  apis: ThreeApis,
  backstage: Backstage,
  target: Target,
  { times, issueNumber = 1, left = 3 }: { times: number; issueNumber?: number; left?: number },
) {
  const wrong = anotherCode(target.code);
  const answers = await inParallel(apis, times, (client) => client.activate(target, wrong));
  const compared = answers.filter(({ status }) => status === 422);
  const attemptsLeft = compared.map(({ body }) => Number(body['attemptsLeft'])).sort();
  expect(attemptsLeft).toEqual(Array.from({ length: left }, (_, index) => index));
  const refusals = answers.map(({ status }) => status).filter((status) => status !== 422);
  expect(refusals.filter((status) => ![400, 410, 429, 503].includes(status))).toEqual([]);

  const history = await backstage.historyOf(target.accountId);
  const counted = history.filter(({ type, data }) => {
    if (type !== 'ActivationRefused') return false;
    const refused = data as { reason: string; issueNumber: number };
    return refused.reason === 'incorrect' && refused.issueNumber === issueNumber;
  });
  expect(counted).toHaveLength(left);
}
