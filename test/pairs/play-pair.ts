import { setTimeout as pause } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { Answer } from '../api/account-client.js';
import type { Registered } from '../mail/mail-provider.js';
import { eventually } from '../support/eventually.js';
import type { Fault } from './faults.js';
import type { World } from './world.js';

const BYSTANDERS = 20;
const BYSTANDER_EVERY_MS = 150;
/** Within so long everybody has to be served who has nothing to do with the faults. */
const SERVED_WITHIN_MS = 5_000;
/** When the faults are over, those who had them get on within so long. */
const OVER_WITHIN_MS = 40_000;

export interface Outcome {
  /** Milliseconds from the acknowledgement, or from the end of the outages, to the slowest mail. */
  readonly slowestMs: number;
  /** Acknowledged, and no code arrived or none of them activates. */
  readonly lost: number;
  /** Mails that were accepted more than once. */
  readonly doubled: number;
}

interface Bystander extends Registered {
  readonly acknowledgedAt: number;
}

/** Two faults at once, and twenty persons who register meanwhile. @throws Error where one waits too long */
export async function playPair(world: World, pair: readonly [Fault, Fault]): Promise<Outcome> {
  const { provider, client } = world;
  const victimsBefore = world.victims.length;
  const first = world.register();
  const beginning = Promise.all(pair.map((fault) => fault.begin(world)));
  const begun = beginning.then((endings) => ({ endings, at: Date.now() }));
  const registering = Array.from({ length: BYSTANDERS }, async (_, turn): Promise<Bystander> => {
    await pause(turn * BYSTANDER_EVERY_MS);
    const account = await world.register();
    return { ...account, acknowledgedAt: Date.now() };
  });
  const [{ endings, at: beganAt }, bystanders] = await Promise.all([
    begun,
    Promise.all(registering),
  ]);

  const patience =
    SERVED_WITHIN_MS + Math.max(0, ...pair.map(({ noticedWithinMs = 0 }) => noticedWithinMs));
  const outageOver = pair.some(({ isOutage }) => isOutage) ? beganAt : 0;
  let slowestMs = 0;
  try {
    await eventually(
      async () => {
        const arrived = await arrivals(world);
        const waits = bystanders.map(({ email, acknowledgedAt }) => {
          const since = Math.max(acknowledgedAt, outageOver);
          return Math.max(0, (arrived.get(email) ?? Date.now()) - since);
        });
        slowestMs = Math.max(...waits);
        const without = bystanders.filter(({ email }) => !arrived.has(email)).length;
        expect({ without }).toEqual({ without: 0 });
      },
      { within: Math.max(0, outageOver - Date.now()) + patience, every: 100 },
    );
    // The read model follows, whatever else waits.
    for (const bystander of bystanders.slice(0, 3)) {
      expect((await client.view(bystander)).status).toBe(200);
    }
  } finally {
    for (const end of endings) await end();
  }
  expect(slowestMs).toBeLessThanOrEqual(patience);

  await first;
  await victimsGetOn(world, victimsBefore);
  const lost = await thoseLost(world, bystanders);
  const perKey = await provider.mailsPerKey();
  const doubled = [...perKey.values()].filter((count) => count > 1).length;
  expect({ lost, doubled }).toEqual({ lost: [], doubled: 0 });
  return { slowestMs, lost: lost.length, doubled };
}

/** When the newest mail to each address came, in milliseconds. */
async function arrivals({ provider }: World): Promise<ReadonlyMap<string, number>> {
  const mails = (await provider.mails()).toReversed();
  return new Map(
    mails.flatMap(({ to, receivedAt }) => to.map((email) => [email, Date.parse(receivedAt)])),
  );
}

/** Each gets the code that the trouble held up; one that was refused for good asks for another. */
async function victimsGetOn(world: World, before: number): Promise<void> {
  for (const { account, isRefused } of await Promise.all(world.victims.slice(before))) {
    await eventually(
      async () => {
        if (isRefused && (await world.provider.mails(account.email)).length === 0) {
          await world.client.requestCode(account);
        }
        expect(await world.provider.mails(account.email)).toHaveLength(1);
      },
      { within: OVER_WITHIN_MS, every: 500 },
    );
  }
}

/** Who cannot activate, and how each of their codes was answered last. */
async function thoseLost(world: World, bystanders: readonly Bystander[]): Promise<string[]> {
  const lost: string[] = [];
  for (const bystander of bystanders) {
    const answers = new Map<number, Answer>();
    await eventually(() => activate(world, bystander, answers), {
      within: 10_000,
      every: 200,
    }).catch(() => {
      const said = [...answers].map(([mails, { text }]) => `code of mail ${mails}: ${text}`);
      lost.push(`${bystander.accountId}, ${said.join(', ') || 'no answer'}`);
    });
  }
  return lost;
}

/**
 * As a person does: with the code of the newest mail, and not again with one that is wrong.
 *
 * @throws Error while the account is not active
 */
async function activate(
  { provider, client }: World,
  bystander: Bystander,
  answers: Map<number, Answer>,
): Promise<void> {
  const mails = await provider.mails(bystander.email);
  if (answers.get(mails.length)?.status === 422) throw new Error('there is no other code');
  const code = /(?<!\d)\d{4}(?!\d)/.exec(mails[0]?.text ?? '')?.[0];
  const answer = await client.activate(bystander, code);
  // An answer that got lost may have activated it.
  if (answer.status === 200 || answer.body['type'] === '/problems/account-already-active') return;
  answers.set(mails.length, answer);
  throw new Error('it is not active yet');
}
