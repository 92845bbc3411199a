/**
 * Proves that other programs can make clients from our API descriptions: starts the product, lints both documents, and
 * lets the clients of two generators register, activate and look. Their packages stand in a lock file of their own.
 * The last line of the output is `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { buildIfNeeded } from '../../apps/local/build-if-needed.mjs';
import { countedCheck as check, endChecks } from '../support/counted-checks.mjs';
import { installPackages, runNpm, runTool, startProduct } from '../support/started-for-judges.mjs';

const MAIL_DEADLINE_MS = 10_000;
const RESEND_SECONDS = 2;
const PASSWORD = 'correct horse battery staple';
const root = join(import.meta.dirname, '../..');
const TYPES_OF_CLIENT = join(root, 'libs/registration-client/src/api-types.ts');

buildIfNeeded();
const folder = mkdtempSync(join(tmpdir(), 'openapi-'));
let product;
try {
  const [isInstalled] = await Promise.all([installPackages(import.meta.dirname), start()]);
  check('npm ci', isInstalled);
  await Promise.all([lint(), playClients()]);
} catch (error) {
  check(error.message, false);
} finally {
  await product?.stop();
  rmSync(folder, { recursive: true, force: true });
}
endChecks();

async function start() {
  product = await startProduct(join(folder, 'data'), {
    CODE_RESEND_SECONDS: String(RESEND_SECONDS),
  });
  const { api, admin } = product.endpoints();
  await keep(`${api}/openapi.json`, 'accounts.json');
  await keep(`${admin}/admin/openapi.json`, 'admin.json');
}

async function keep(url, name) {
  const answer = await fetch(url);
  // As people read it: findings name lines.
  writeFileSync(join(folder, name), JSON.stringify(await answer.json(), null, 2));
}

async function lint() {
  const [api, admin] = ['accounts.json', 'admin.json'].map((name) => join(folder, name));
  const redocly = await tool('redocly', ['lint', '--config', here('redocly.yaml'), api, admin]);
  // It ends with 0 when there are warnings only.
  const isClean = redocly.code === 0 && !/\d+ (warning|error)/.test(redocly.output);
  check('redocly lint', isClean, redocly.output);
  const strictly = ['--fail-severity', 'hint', '--ruleset', here('.spectral.yaml')];
  const spectral = await tool('spectral', ['lint', ...strictly, api, admin]);
  check('spectral lint', spectral.code === 0, spectral.output);
}

/** Generates, compiles with all types checked, and plays the story with each. */
async function playClients() {
  const place = join(folder, 'clients');
  const document = join(folder, 'accounts.json');
  cpSync(here('clients'), place, { recursive: true });
  symlinkSync(here('node_modules'), join(folder, 'node_modules'), 'junction');
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  await packClient(join(place, 'node_modules/event-sourced-registration-client'));
  const schemas = join(folder, 'schemas.json');
  const { paths: _, ...withoutPaths } = JSON.parse(readFileSync(document, 'utf8'));
  writeFileSync(schemas, JSON.stringify({ ...withoutPaths, paths: {} }));
  for (const [name, args] of [
    ['openapi-typescript', [schemas, '--output', join(folder, 'api-types.ts')]],
    ['openapi-typescript', [document, '--output', join(place, 'accounts.ts')]],
    ['openapi-ts', ['--input', document, '--output', join(place, 'hey-api'), '--no-log-file']],
    ['tsc', ['--project', place]],
  ]) {
    const { code, output } = await tool(name, args);
    check(name, code === 0, output);
    if (code !== 0) return;
  }
  const fresh = readFileSync(join(folder, 'api-types.ts'), 'utf8');
  if (process.env.WRITE_TYPES) writeFileSync(TYPES_OF_CLIENT, fresh);
  const how = 'write them anew with WRITE_TYPES=yes node test/openapi/run.mjs';
  check('the types of our client', fresh === readFileSync(TYPES_OF_CLIENT, 'utf8'), how);
  const stories = ['openapi-fetch', 'hey-api', 'registration-client'].map(async (name) => {
    const { connect } = await import(pathToFileURL(join(place, `built/${name}.mjs`)).href);
    await playStory(name, connect, `${name}@example.org`);
  });
  await Promise.all(stories);
}

/** As the registry would deliver it. */
async function packClient(place) {
  const source = join(root, 'libs/registration-client');
  const pack = ['pack', '--pack-destination', folder];
  const [code] = await once(runNpm(pack, { cwd: source, stdio: 'ignore' }), 'exit');
  check('npm pack of our client', code === 0);
  const [tarball] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  mkdirSync(place, { recursive: true });
  const unpack = ['-xzf', join(folder, tarball), '-C', place, '--strip-components=1'];
  await once(spawn('tar', unpack, { stdio: 'inherit' }), 'exit');
}

async function playStory(name, connect, email) {
  const { api } = product.endpoints();
  const client = connect(api, email, PASSWORD);
  const holds = (what, found, wanted) => {
    const differs = Object.keys(wanted).filter(
      (key) => !isDeepStrictEqual(found[key], wanted[key]),
    );
    check(`${name}: ${what}`, differs.length === 0, JSON.stringify(found));
  };
  holds('a fault names its field', await client.register('ada'), {
    code: 400,
    problem: '/problems/invalid-request',
    field: 'email',
  });
  holds('registers', await client.register(), { code: 202 });
  const waiting = { code: 200, account: 'pending', attemptsLeft: 3 };
  holds('sees that it waits', await client.view(), waiting);
  const first = await newestCode(email);
  holds('a wrong code', await client.activate(first === '0000' ? '0001' : '0000'), {
    code: 422,
    problem: '/problems/activation-code-incorrect',
    attemptsLeft: 2,
  });
  await pause(RESEND_SECONDS * 1_000);
  holds('asks for a new code', await client.requestCode(), { code: 202 });
  holds('asks for another too soon', await client.requestCode(), {
    code: 429,
    problem: '/problems/activation-code-requested-too-soon',
    saysWhen: true,
  });
  holds('activates with the new one', await client.activate(await newestCode(email, first)), {
    code: 200,
    account: 'active',
  });
  holds('sees that it is active', await client.view(), { code: 200, account: 'active' });
  holds('a wrong password', await connect(api, email, 'not the password').view(), {
    code: 401,
    problem: '/problems/unauthenticated',
  });
}

/** @param other the code of an earlier mail */
async function newestCode(email, other) {
  const { mailbox } = product.endpoints();
  for (const began = Date.now(); Date.now() - began < MAIL_DEADLINE_MS; await pause(50)) {
    const answer = await fetch(`${mailbox}/emails?to=${encodeURIComponent(email)}`);
    const codes = (await answer.json()).data.map(({ text }) => /\b\d{4}\b/.exec(text)?.[0]);
    if (codes.length > (other === undefined ? 0 : 1)) return codes[0];
  }
  throw new Error(`no mail came to ${email}`);
}

function here(name) {
  return join(import.meta.dirname, name);
}

function tool(name, args) {
  return runTool(import.meta.dirname, name, args, {
    cwd: folder,
    env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
  });
}
