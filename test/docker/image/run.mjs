/**
 * The steps of docker/Dockerfile that trim the image and bound its size, as they stand there, in a folder of their own with
 * what npm and the build have left here. No engine is needed; docker/verify.sh builds the whole image.
 *
 *   node test/docker/image/run.mjs        needs a checkout that is installed and built
 *
 * The last line of the output is `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { countedCheck as check, endChecks } from '../../support/counted-checks.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'image-'));

const shell = (script) => {
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-ec', script], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { isDone: status === 0, printed: `${stdout}${stderr}`.trim() };
};

/** The commands of the stage that builds, without comments and with their lines joined. */
function buildSteps() {
  const [, stage = ''] = readFileSync(join(root, 'docker/Dockerfile'), 'utf8').split(/^FROM .*$/m);
  const lines = stage.replaceAll(/^ *#.*\n/gm, '').replaceAll(/\\\n */g, '');
  return [...lines.matchAll(/^RUN (.*)$/gm)].map(([, command]) => command);
}

try {
  const steps = buildSteps();
  const trimming = steps.find((step) => step.startsWith('npm run build && '));
  const bounding = steps.find((step) => step.includes('du '));
  check('the Dockerfile trims what was built, and bounds its size', trimming && bounding, steps);
  // By hard links where that goes: nothing is written into a file, but for npm's own list of what is installed.
  const parts = ['dist', 'node_modules', 'package.json', 'package-lock.json', '.npmrc'];
  const from = parts.map((part) => `'${join(root, part)}'`).join(' ');
  const copied = shell(
    `{ cp -al ${from} . 2> /dev/null || cp -a ${from} .; } && rm -f node_modules/.package-lock.json`,
  );
  check('what is installed and built is there', copied.isDone, copied.printed);
  const trimmed = shell(trimming.replace('npm run build && ', ''));
  check('the image is trimmed', trimmed.isDone, trimmed.printed);
  const bounded = shell(bounding);
  check(`it stays small: ${bounded.printed}`, bounded.isDone);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
endChecks();
