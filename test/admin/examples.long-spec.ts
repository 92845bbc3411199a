import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  accountActivated,
  accountRegistered,
  codeIssued,
  codeSent,
  noon,
  SECOND,
} from '@app/accounts/testing/account-examples.js';
import { accountStreamName } from '@app/accounts';
import { saveCheckpoint } from '@app/consumers';
import { examplesOf } from '../../apps/accounts-admin/src/command-line/help.js';
import { commandGroups } from '../../apps/accounts-admin/src/command-line/run-command-line.js';
import { scopes } from '../../apps/accounts-admin/src/keys/scopes.js';
import { repositoryRoot } from '../support/process.js';
import { temporaryFolder } from '../support/run-folder.js';
import { startAdminService } from './admin-service.js';
import type { AdminService } from './admin-service.js';

const ADMIN = 'npm run --silent admin --';
/** Each starts dozens of programs, which may take seconds where others compute. */
const DEADLINE_MS = 400_000;

const { scripts } = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as {
  scripts: Readonly<Record<string, string>>;
};

/**
 * For a shell: `npm run` with what our package.json says. npm itself takes longer to start than the program that it
 * starts, and one line goes through it anyway.
 */
const SHORTER_NPM = `npm() {
  while [ "$1" != -- ]; do script=$1; shift; done
  shift
  case $script in
${['admin', 'verify-receipt', 'verify-export'].map((name) => `  ${name}) ${scripts[name]} "$@" ;;`).join('\n')}
  *) echo "npm: no $script here" >&2; return 64 ;;
  esac
}
`;

/** Examples that name what is not there, or that ask a person: what they answer to a shell here. */
const answeredOtherwise: Readonly<Record<string, RegExp>> = {
  'events retry 104729': /No event at this position fails in any consumer/,
  "events skip 104729 --reason 'written by a faulty import'": /Confirm with --yes/,
  'mails retry 6f9619ff-8b86-8d01-b42d-00cf4fc964ff.1': /no mail|not/i,
  'keys revoke 1f2e3d4c5b6a7988': /no .*key|not/i,
};

interface Checkout {
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
}

/**
 * Everything that README, help and documents say can be typed, typed as it stands there. The folder is a checkout
 * as far as npm can tell, so that files land in it.
 */
describe('An example', () => {
  const started: AdminService[] = [];

  afterEach(async () => {
    for (const admin of started.splice(0)) await admin.stop();
  });

  /** A checkout beside a product with an active and a pending account, and the heads of a day before. */
  async function checkout(): Promise<Checkout> {
    const admin = await startAdminService();
    started.push(admin);
    await admin.record('grace@example.org', accountRegistered(noon), codeIssued(1, noon));
    await admin.record(
      'ada@example.org',
      accountRegistered(noon),
      codeIssued(1, noon),
      codeSent(1, noon + SECOND),
      accountActivated(1, noon + 9 * SECOND),
    );
    // No worker runs here that would have come this far.
    let end = 0n;
    const streamName = accountStreamName(admin.accountIdOf('ada@example.org'));
    for await (const { position } of admin.store.readStream(streamName)) end = position;
    for (const consumer of ['accounts', 'statistics']) {
      await saveCheckpoint(admin.database, consumer, end);
    }
    const folder = temporaryFolder('checkout');
    mkdirSync(folder, { recursive: true });
    for (const name of ['package.json', 'apps', 'dist', 'node_modules']) {
      symlinkSync(join(repositoryRoot, name), join(folder, name));
    }
    const environment = {
      PATH: process.env['PATH'],
      HOME: folder,
      ADMIN_URL: admin.url,
      ADMIN_KEY: await admin.keyWith(...scopes),
    };
    const place = { folder, environment };
    await expectToRun(place, `${ADMIN} heads --out yesterday.ndjson`);
    return place;
  }

  function run({ folder, environment }: Checkout, line: string, npm = SHORTER_NPM) {
    return new Promise<{ code: number; output: string }>((resolve) => {
      const options = { cwd: folder, env: environment };
      execFile('sh', ['-ec', npm + line], options, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
      );
    });
  }

  async function expectToRun(place: Checkout, line: string): Promise<void> {
    const { code, output } = await run(place, line);
    expect({ line, code, ...(code !== 0 && { output }) }).toEqual({ line, code: 0 });
  }

  it(
    'of help runs as it is written',
    async () => {
      const place = await checkout();
      const accounts = `${ADMIN} accounts list`;
      expect(await run(place, accounts)).toEqual(await run(place, accounts, ''));
      for (const command of Object.values(commandGroups).flat()) {
        for (const line of examplesOf(ADMIN, command)) {
          const answer = answeredOtherwise[line.replace(`${ADMIN} `, '')];
          if (answer === undefined) await expectToRun(place, line);
          else
            expect(await run(place, line)).toEqual({
              code: expect.any(Number),
              output: expect.stringMatching(answer),
            });
        }
      }
    },
    DEADLINE_MS,
  );

  it(
    'of the page for operators runs as it is written, one after the other',
    async () => {
      const blocks = readFileSync(join(repositoryRoot, 'docs/operators.md'), 'utf8').matchAll(
        /```sh\n([^]*?)```/g,
      );
      const [block, ...others] = [...blocks].flatMap(([, block = '']) =>
        block.includes(ADMIN) ? [block] : [],
      );
      expect(others).toEqual([]);
      await expectToRun(await checkout(), block ?? '');
    },
    DEADLINE_MS,
  );

  it(
    'of a document runs as it is written, one after the other',
    async () => {
      const documents = [
        'docker/README.md',
        ...['docs', 'docs/adr'].flatMap((folder) =>
          readdirSync(join(repositoryRoot, folder)).flatMap((name) =>
            name.endsWith('.md') ? [`${folder}/${name}`] : [],
          ),
        ),
      ];
      let ran = 0;
      for (const document of documents) {
        const text = readFileSync(join(repositoryRoot, document), 'utf8');
        // What has a word in capitals is a form to fill in.
        const lines = [
          ...text.matchAll(/`(npm run (?:--silent )?(?:admin|verify-\w+)[^`]*)`/g),
        ].flatMap(([, line = '']) => (/ \[?[A-Z]{2,}|…/.test(line) ? [] : [line]));
        if (lines.length === 0) continue;
        const place = await checkout();
        for (const line of lines) await expectToRun(place, line);
        ran += lines.length;
      }
      expect(ran).toBeGreaterThan(4);
    },
    DEADLINE_MS,
  );

  it(
    'that goes into a file verifies, and a changed file does not',
    async () => {
      const place = await checkout();
      const { folder } = place;
      const erased = `${ADMIN} accounts erase ada@example.org --reason requested-by-owner --json --yes`;
      await expectToRun(place, `${erased} > receipt.json`);
      const receipt = readFileSync(join(folder, 'receipt.json'), 'utf8');
      const heads = readFileSync(join(folder, 'yesterday.ndjson'), 'utf8');
      const banner = '\n> registration@0.1.0 admin\n> node run.mjs\n\n';
      const cases: readonly (readonly [
        program: string,
        content: string,
        code: number,
        printed: RegExp,
      ])[] = [
        ['verify-receipt', receipt, 0, /was erased at/],
        ['verify-receipt', banner + receipt, 2, /npm run --silent/],
        ['verify-receipt', receipt.slice(0, -20), 2, /not JSON, or was cut off/],
        ['verify-receipt', '{"hello": "world"}', 2, /has no receiptId/],
        ['verify-receipt', 'null', 2, /has no receiptId/],
        [
          'verify-receipt',
          receipt.replace('requested-by-owner', 'test-data'),
          1,
          /does not hold.*changed/,
        ],
        ['verify-export', heads, 0, /verify/],
        ['verify-export', banner + heads, 2, /npm run --silent/],
        ['verify-export', receipt, 2, /is no file of heads/],
        ['verify-export', heads.replace(/"head":"./, '"head":"x'), 1, /does not verify/],
      ];
      for (const [program, content, code, printed] of cases) {
        writeFileSync(join(folder, 'file'), content);
        expect(await run(place, `npm run --silent ${program} -- file`)).toEqual({
          code,
          output: expect.stringMatching(printed),
        });
      }
    },
    DEADLINE_MS,
  );
});
