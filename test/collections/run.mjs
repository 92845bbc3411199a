/**
 * Plays docs/collections against a product that `npm start` runs: the requests of Bruno with its own program, the file
 * of requests with httpyac. A copy of each in which one request is broken has to fail. Their packages stand in a lock
 * file of their own. The last line of the output is `N passed, N failed`.
 */
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildIfNeeded } from '../../apps/local/build-if-needed.mjs';
import { countedCheck as check, endChecks } from '../support/counted-checks.mjs';
import { installPackages, runTool, startProduct } from '../support/started-for-judges.mjs';

const COLLECTIONS = join(import.meta.dirname, '../../docs/collections');
const ENVIRONMENT = 'npm-start';
const HTTP_FILE = 'registration.http';

buildIfNeeded();
const folder = mkdtempSync(join(tmpdir(), 'collections-'));
let product;
try {
  const [isInstalled] = await Promise.all([installPackages(import.meta.dirname), start()]);
  check('npm ci', isInstalled);
  const whole = COLLECTIONS;
  const broken = copyWithBrokenRequest();
  await Promise.all([
    play('Bruno', () => bruno(whole)),
    play('httpyac', () => httpyac(whole)),
    play('Bruno fails with a broken request', async () => fails(await bruno(broken))),
    play('httpyac fails with a broken request', async () => fails(await httpyac(broken))),
  ]);
} catch (error) {
  check(error.message, false);
} finally {
  await product?.stop();
  rmSync(folder, { recursive: true, force: true });
}
endChecks();

async function start() {
  const dataDir = join(folder, 'data');
  // Both wait as long as the product asks them to.
  product = await startProduct(dataDir, { CODE_RESEND_SECONDS: '1' });
}

function variables() {
  const { api, admin, mailbox } = product.endpoints();
  const adminKey = readFileSync(join(folder, 'data/secrets/admin-key'), 'utf8').trim();
  return Object.entries({ api, admin, mailbox, adminKey }).map((entry) => entry.join('='));
}

async function play(name, run) {
  const { holds, output } = await run();
  check(name, holds, output);
}

function fails({ holds, output }) {
  return { holds: !holds && /40\d/.test(output), output };
}

/** A request that a player does not understand, and leaves out, is none that passed. */
async function bruno(collections) {
  const place = join(collections, 'bruno');
  const given = variables().flatMap((variable) => ['--env-var', variable]);
  const args = ['run', '--bail', '--noproxy', '--env', ENVIRONMENT, ...given];
  const { code, output } = await tool('bru', args, place);
  const requests = readdirSync(place).filter((name) => name.endsWith('.bru')).length;
  return { holds: code === 0 && output.includes(`${requests} (${requests} Passed)`), output };
}

async function httpyac(collections) {
  const given = ['--env', ENVIRONMENT, '--var', ...variables()];
  const args = ['send', HTTP_FILE, '--all', '--bail', '--output', 'short', ...given];
  const { code, output } = await tool('httpyac', args, collections);
  const requests = readFileSync(join(collections, HTTP_FILE), 'utf8').match(/^### /gm).length;
  const isWhole = output.includes(`${requests} requests processed (${requests} succeeded)`);
  return { holds: code === 0 && isWhole, output };
}

function tool(name, args, cwd) {
  return runTool(import.meta.dirname, name, args, { cwd });
}

/** The first call goes to a path that does not take it. */
function copyWithBrokenRequest() {
  const copy = join(folder, 'broken');
  cpSync(COLLECTIONS, copy, { recursive: true });
  for (const name of [HTTP_FILE, 'bruno/01-register.bru']) {
    const path = join(copy, name);
    writeFileSync(path, readFileSync(path, 'utf8').replace('/v1/accounts', '/v1/account'));
  }
  return copy;
}
