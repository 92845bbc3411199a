/**
 * `npm test`: everything that says whether the product is right, with nothing installed but Node.
 *
 * Builds, checks types, style and format, then runs every test. `npm run test:long` and `npm run test:pairs`
 * build where that is needed, and run tests that take minutes. Other arguments go to jest. The last line of
 * the output is `N passed, N failed`; the exit code is 0 only when nothing failed.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildIfNeeded } from '../apps/local/build-if-needed.mjs';
import { runProgram } from './support/started-for-judges.mjs';

const startedAt = Date.now();
let passed = 0;
let failed = 0;

/** Kinds of tests that are run alone, by the ending of their files' names. */
const KINDS = {
  '--long': 'long-spec',
  '--pairs': 'pairs-spec',
  // Without the e2e tests: for other versions of Node.
  '--suites': '{spec,int-spec}',
};

const kind = process.argv.find((argument) => argument in KINDS);
const jestArguments = process.argv.slice(2).filter((argument) => argument !== kind);

if (kind) {
  // These run beside others, who must not find the build half written.
  buildIfNeeded();
  // As many at a time as there are processors: these keep them busy, and some play with deadlines.
  const workers = '--maxWorkers=100%';
  // The pattern last: jest takes each path that follows for another one.
  await runTests([...jestArguments, workers, '--testMatch', `**/*.${KINDS[kind]}.ts`]);
} else {
  const [isBuilt] = await Promise.all([
    check('build', npm('run', '--silent', 'build')),
    check('types', npm('run', '--silent', 'typecheck')),
    check('lint', npm('run', '--silent', 'lint')),
  ]);
  // What an earlier build left would be tested in its place.
  if (isBuilt) await runTests(jestArguments);
}

const minutes = ((Date.now() - startedAt) / 60_000).toFixed(1);
process.stdout.write(`\nDone in ${minutes} minutes.\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

/** One check that passes or fails as a whole; its output is shown only when it fails. @returns whether it passed */
async function check(name, [program, ...args]) {
  const began = Date.now();
  const { code, output } = await runProgram(program, args);
  const seconds = ((Date.now() - began) / 1_000).toFixed(1);
  if (code === 0) {
    passed += 1;
    process.stdout.write(`✔ ${name} (${seconds} s)\n`);
  } else {
    failed += 1;
    process.stdout.write(`✘ ${name} (${seconds} s)\n${output}\n`);
  }
  return code === 0;
}

async function runTests(args) {
  const folder = mkdtempSync(join(tmpdir(), 'test-run-'));
  const outputFile = join(folder, 'results.json');
  const jest = ['test:jest', '--', '--json', `--outputFile=${outputFile}`, ...args];
  const [program, ...npmArguments] = npm('run', '--silent', ...jest);
  // Jest's own JSON goes to the file, so that its standard output stays readable.
  const { code } = await runProgram(program, npmArguments, {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  try {
    const results = JSON.parse(readFileSync(outputFile, 'utf8'));
    passed += results.numPassedTests;
    // A suite that could not run has no failed test of its own; a skipped test is no passed one.
    failed +=
      results.numFailedTests +
      results.numRuntimeErrorTestSuites +
      results.numPendingTests +
      results.numTodoTests;
    if (results.numTotalTests === 0) fail('no test was run');
  } catch (error) {
    fail(`jest left no results: ${error.message}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (code !== 0 && failed === 0) fail(`jest ended with code ${code}`);
}

function fail(reason) {
  failed += 1;
  process.stdout.write(`✘ ${reason}\n`);
}

/** The npm that runs us, which may not be the first one on the path. */
function npm(...args) {
  const running = process.env['npm_execpath'];
  return running ? [process.execPath, running, ...args] : ['npm', ...args];
}
