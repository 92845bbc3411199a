import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Backstage } from '../api/account-client.js';
import { knownSecrets } from '../api/known-secrets.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';
import { itSideBySide } from '../support/side-by-side.js';
import { startRestartableApp } from '../support/restartable-app.js';
import type { RestartableApp } from '../support/restartable-app.js';
import { Owner, PRODUCTION_LIMITS, Stranger, mailsToInbox } from './stranger.js';
import type { Outcome } from './stranger.js';

/** What the promise G2 grants him. Here codes may follow each other after a second, so that the test is quick. */
const PATIENCE_MS = 120_000;
const TIMES_OF_ATTACK = ['one network', 'eight networks'] as const;
const MOST_MAILS_A_DAY = 20;
const MOST_EVENTS = { 'one network': 100, 'eight networks': 500 };

type Attack = (stranger: Stranger, signal: AbortSignal) => Promise<unknown>;

/** These wait until they may do the next thing. */
const slowAttacks: Readonly<Record<string, Attack>> = {
  'guesses spent': (stranger) => stranger.spendGuesses(),
  'codes burnt': (stranger) => stranger.burnCodes(),
  'password replaced all the time': (stranger, signal) => stranger.replacePassword(signal),
};
const quickAttacks: Readonly<Record<string, Attack>> = {
  'registrations spent': (stranger) => stranger.spendRegistrations(),
  'mails spent over victim+<n>@': (stranger) => stranger.fillInbox(),
  'odd spellings': (stranger) => stranger.registerOddly(),
  'wrong passwords': (stranger) => stranger.tryPasswords(),
};

function attackCalled(what: string): Attack {
  const attack = slowAttacks[what] ?? quickAttacks[what];
  if (attack === undefined) throw new Error(`there is no attack called ${what}`);
  return attack;
}

describe('A stranger who knows an address, and cannot read its mailbox,', () => {
  const adminKey = `spec-key.${randomBytes(32).toString('base64url')}`;
  const table: string[][] = [];
  let product: Product;
  let admin: RestartableApp;
  let backstage: Backstage;

  beforeAll(async () => {
    const secrets = knownSecrets();
    product = await startProduct({
      environment: secrets,
      api: { ...PRODUCTION_LIMITS, CODE_RESEND_SECONDS: '1', CREDENTIAL_CACHE_SECONDS: '0' },
    });
    admin = await startRestartableApp('accounts-admin/src', (port) => ({
      EVENTSTORE_URL: product.endpoints.eventstore,
      DATABASE_URL: product.databaseUrls.admin,
      ADMIN_PORT: port('admin'),
      ...secrets,
      ADMIN_KEY: adminKey,
    }));
    backstage = new Backstage(product);
  }, 60_000);
  afterAll(async () => {
    process.stderr.write(`${table.map((row) => `| ${row.join(' | ')} |`).join('\n')}\n`);
    await backstage?.close();
    await admin?.stop();
    await product?.stop();
  });

  const strangers = (count: number, victim: string) =>
    Array.from({ length: count }, () => new Stranger(product, victim));

  async function accountIdOf(owner: Owner): Promise<string> {
    return String((await owner.view(owner.credentials)).body['accountId']);
  }

  /** What it cost, how long he waited, and what is left behind; the bounds of G3 and G4 hold in every attack. */
  async function account(
    attack: string,
    from: keyof typeof MOST_EVENTS,
    owner: Owner,
    attackers: readonly Stranger[],
    { waitedMs, troubles }: Outcome,
    expected: readonly string[] = [],
  ): Promise<void> {
    const mails = await mailsToInbox(product, owner.email);
    const events = await backstage.historyOf(await accountIdOf(owner));
    table.push([
      attack,
      from,
      `${attackers.reduce((sum, { calls }) => sum + calls, 0)} calls`,
      `${(waitedMs / 1_000).toFixed(1)} s`,
      `${mails.length} mails`,
      `${events.length} events`,
      troubles.join(', '),
    ]);
    // On a busy machine a code may be over before he types it; nothing else may come in his way.
    const unexpected = troubles.filter((one) => one !== 'activate 410');
    expect({ attack, from, isInTime: waitedMs <= PATIENCE_MS, unexpected }).toEqual({
      attack,
      from,
      isInTime: true,
      unexpected: expected,
    });
    expect(mails.length).toBeLessThanOrEqual(MOST_MAILS_A_DAY + 1);
    expect(events.length).toBeLessThanOrEqual(MOST_EVENTS[from]);
    // His password is the account's, and the stranger's is not.
    expect((await owner.view(owner.credentials)).body).toMatchObject({
      status: 'active',
      email: owner.email,
    });
    const [stranger] = attackers;
    if (stranger) expect((await stranger.view(stranger.claim)).status).not.toBe(200);
  }

  async function attackAndActivate({
    what,
    from,
  }: {
    what: string;
    from: keyof typeof MOST_EVENTS;
  }) {
    const attack = attackCalled(what);
    const owner = new Owner(product);
    const attackers = strangers(from === 'one network' ? 1 : 8, owner.email);
    const stop = new AbortController();
    const attacking = Promise.all(attackers.map((one) => attack(one, stop.signal)));
    // What ends by itself is done before he comes; the rest goes on while he tries.
    const isLasting = what === 'password replaced all the time';
    await (isLasting ? pause(1_000) : attacking);
    const outcome = await owner.activateAccount(PATIENCE_MS, () => pause(isLasting ? 2_000 : 0));
    stop.abort();
    await attacking;
    await account(what, from, owner, attackers, outcome);
  }

  for (const together of [
    Object.keys(slowAttacks),
    ...Object.keys(quickAttacks).map((quick) => [quick]),
  ]) {
    itSideBySide(
      together.flatMap((what) => TIMES_OF_ATTACK.map((from) => ({ what, from }))),
      ({ what, from }) =>
        `does not keep the owner from activating within two minutes: ${what}, from ${from}`,
      attackAndActivate,
      2 * PATIENCE_MS,
    );
  }

  it(
    'does not keep the owner from activating when he registers first and the attack follows',
    async () => {
      const each = (['guesses spent', 'codes burnt', 'wrong passwords'] as const).map(
        async (what) => {
          const attack = attackCalled(what);
          const owner = new Owner(product);
          const attackers = strangers(1, owner.email);
          const outcome = await owner.activateAccount(PATIENCE_MS, () =>
            Promise.all(attackers.map((one) => attack(one, new AbortController().signal))),
          );
          await account(`${what}, after he registered`, 'one network', owner, attackers, outcome);
        },
      );
      await Promise.all(each);
    },
    3 * PATIENCE_MS,
  );

  it(
    'does not keep the owner of an active account out by wrong passwords',
    async () => {
      const owner = new Owner(product);
      await owner.activateAccount(PATIENCE_MS);
      await Promise.all(strangers(8, owner.email).map((one) => one.tryPasswords()));
      expect((await owner.view(owner.credentials)).status).toBe(200);
    },
    PATIENCE_MS,
  );

  it(
    'is no hindrance to an owner who registers at home and types the code on the train',
    async () => {
      const alone = new Owner(product);
      const outcome = await alone.activateAccount(PATIENCE_MS, async () => alone.move());
      expect(outcome.troubles).toEqual([]);

      const owner = new Owner(product);
      const attackers = strangers(1, owner.email);
      const beset = await owner.activateAccount(PATIENCE_MS, async () => {
        await attackers[0]?.spendRegistrations(2);
        owner.move();
      });
      // The newest claim is the stranger's: 401 says what to do, and the code in the inbox stays good.
      expect(beset.troubles).toEqual(['activate 401']);
      await account('roaming owner', 'one network', owner, attackers, beset, ['activate 401']);
    },
    2 * PATIENCE_MS,
  );

  it(
    'can delay him with ten networks until an operator frees the address, which explain tells',
    async () => {
      const call = async (method: string, path: string) => {
        const response = await fetch(`${admin.url('admin')}/admin/v1/accounts/${path}`, {
          method,
          headers: { Authorization: `Bearer ${adminKey}` },
        });
        return {
          status: response.status,
          body: (await response.json()) as Record<string, unknown>,
        };
      };
      const owner = new Owner(product);
      const attackers = strangers(10, owner.email);
      await Promise.all(attackers.slice(0, 4).map((one) => one.spendGuesses()));
      await Promise.all(attackers.map((one) => one.register(one.claim)));
      await Promise.all(strangers(12, owner.email).map((one) => one.fillInbox(3)));
      const delayed = await owner.activateAccount(3_000);
      expect(delayed.waitedMs).toBe(Infinity);

      const explained = await call('GET', `${encodeURIComponent(owner.email)}/explanation`);
      expect(explained.body['conclusion']).toMatch(
        /The address is contested: [1-4] networks? used up its wrong guesses/,
      );
      expect(explained.body['conclusion']).toMatch(
        /Of the mails that the inbox gets in a day \d+ %/,
      );
      const freed = await call('POST', `${encodeURIComponent(owner.email)}/free`);
      expect(freed).toMatchObject({
        status: 200,
        body: { endedClaims: 10, contestedUntil: expect.any(String) },
      });
      const outcome = await owner.activateAccount(PATIENCE_MS);
      expect(outcome.waitedMs).toBeLessThan(PATIENCE_MS);
      const events = await backstage.historyOf(await accountIdOf(owner));
      expect(events.map(({ type }) => type)).toContain('AccountFreed');
      expect(events.findLast(({ type }) => type === 'ActivationCodeIssued')?.data).toMatchObject({
        form: 'long',
      });
    },
    3 * PATIENCE_MS,
  );
});
