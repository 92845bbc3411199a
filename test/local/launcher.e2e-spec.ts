import { describe, expect, it } from '@jest/globals';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';
import { repositoryRoot, runScript } from '../support/process.js';
import { temporaryFolder } from '../support/run-folder.js';
import {
  EMAIL,
  LAUNCHER,
  PASSWORD,
  STOP_DEADLINE_MS,
  StartedProduct,
  endsWith,
  isAlive,
} from './started-product.js';

const DEMO = join(repositoryRoot, 'dist/apps/local/src/demo/main.js');

describe('npm start', () => {
  const product = StartedProduct.forThisSuite();

  it('ends its start with a block that a newcomer can follow', () => {
    const { api, mailbox } = product.endpoints();
    expect(product.launcher.output()).toMatch(/Ready after \d/);
    expect(product.launcher.output()).toContain(`curl -i ${api}/v1/accounts`);
    expect(product.launcher.output()).toContain(`curl -s '${mailbox}/emails?to=`);
    expect(product.launcher.output()).toContain('Ctrl-C');
  });

  it('names every endpoint in a file that only its own user can read', () => {
    expect(product.launcher.endpoints).toEqual(product.endpoints());
    expect(product.endpoints()).toMatchObject({
      api: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      mailbox: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      eventstore: expect.stringMatching(/^esdb:\/\/127\.0\.0\.1:\d+\?tls=false$/),
      database: expect.stringMatching(/^postgres:\/\/.+@127\.0\.0\.1:\d+\/accounts$/),
    });
    expect(statSync(join(product.dataDir, 'endpoints.json')).mode & 0o777).toBe(0o600);
  });

  it('runs a product in which a registration gets its code', async () => {
    expect(await product.register()).toBe(202);
    await eventually(async () => expect(await product.codesFor(EMAIL)).toHaveLength(1));
    expect(await product.account()).toMatchObject({ email: EMAIL, status: 'pending' });
  });

  it('serves a page to sign up, which may call the API from its origin', async () => {
    const { api, signUp = '' } = product.endpoints();
    expect(product.launcher.output()).toContain(signUp);
    const page = await fetch(signUp);
    expect(page.headers.get('Content-Security-Policy')).toContain(`connect-src 'self' ${api};`);
    expect(await page.text()).toContain(`<meta name="registration-api" content="${api}" />`);
    for (const file of ['main.js', 'style.css']) {
      expect((await fetch(`${signUp}/${file}`)).status).toBe(200);
    }
    expect((await fetch(`${signUp}/..%2fmain.js`)).status).toBe(404);
    for (const origin of [signUp, signUp.replace('127.0.0.1', 'localhost')]) {
      const answer = await fetch(`${api}/v1/account`, { headers: { Origin: origin } });
      expect(answer.headers.get('Access-Control-Allow-Origin')).toBe(origin);
    }
  });

  it('shows the code of each message, and nothing of a password', async () => {
    const [code] = await product.codesFor(EMAIL);
    await eventually(() =>
      expect(product.launcher.output()).toMatch(
        new RegExp(`mailbox +\\| code ${code} for ${EMAIL}`),
      ),
    );
    expect(product.launcher.output()).not.toContain(PASSWORD);
  });

  it('refuses a second start on the same data', async () => {
    const second = await runScript(LAUNCHER, product.environment);
    expect(second.code).toBe(1);
    expect(second.output).toContain(
      `already running on ${product.dataDir} (pid ${product.launcher.pid})`,
    );
    expect(second.output).toContain('endpoints.json');
    expect(await product.account()).toMatchObject({ email: EMAIL });
  });

  it('names every setting whose port is taken', async () => {
    const [api, mailbox] = [product.endpoints().api, product.endpoints().mailbox].map(
      (url) => new URL(url).port,
    );
    const elsewhere = temporaryFolder('taken-port');
    const { code, output } = await runScript(LAUNCHER, {
      ...product.environment,
      DATA_DIR: elsewhere,
      API_PORT: api ?? '',
      MAILBOX_PORT: mailbox ?? '',
    });
    expect(code).toBe(78);
    expect(output).toContain(`API_PORT: port ${api} is taken`);
    expect(output).toContain(`MAILBOX_PORT: port ${mailbox} is taken`);
    expect(existsSync(join(elsewhere, 'launcher.json'))).toBe(false);
  });

  it('names the setting when the port of PostgreSQL is taken, and leaves nothing behind', async () => {
    const elsewhere = temporaryFolder('taken-postgres-port');
    const { port } = new URL(product.endpoints().database);
    const { code, output } = await runScript(LAUNCHER, {
      ...product.environment,
      DATA_DIR: elsewhere,
      POSTGRES_PORT: port,
    });
    expect(code).not.toBe(0);
    expect(output).toContain(`Port ${port} for PostgreSQL is taken`);
    expect(output).toContain('POSTGRES_PORT');
    expect(existsSync(join(elsewhere, 'launcher.json'))).toBe(false);
    expect(existsSync(join(elsewhere, 'postgres', 'postmaster.pid'))).toBe(false);
  });

  it('is what the demo uses when it runs', async () => {
    const { code, output } = await runScript(DEMO, product.environment);
    expect(output).toContain(`Using the running product at ${product.endpoints().api}`);
    expect(output).toContain('Everything went as it should.');
    expect(code).toBe(0);
    expect(await product.account()).toMatchObject({ email: EMAIL });
  });

  it('leaves no process within 5 s of Ctrl-C', async () => {
    const pids = [...product.processes().values()];
    expect(pids).toHaveLength(6);
    const askedAt = Date.now();
    expect(await endsWith(product.launcher, 'SIGINT')).toEqual({ code: 0, signal: null });
    expect(Date.now() - askedAt).toBeLessThan(STOP_DEADLINE_MS);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(product.launcher.output()).toMatch(/Stopped after \d+ ms/);
    expect(existsSync(join(product.dataDir, 'endpoints.json'))).toBe(false);
    expect(existsSync(join(product.dataDir, 'launcher.json'))).toBe(false);
  });
});
