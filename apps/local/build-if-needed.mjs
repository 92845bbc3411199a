import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** What the build writes last. */
const BUILT = join(root, 'dist/apps/local/src/launcher/main.js');
/** What npm writes with each change of the packages, which the build takes in. */
const INSTALLED = join(root, 'node_modules/.package-lock.json');

/**
 * Builds when a source or the packages are newer than what was built from them, or nothing was built. Says so
 * in one line, and shows the build's own output only when it fails; the process ends then. On the error output:
 * the answer of what is run may go into a file.
 */
export function buildIfNeeded() {
  if (!existsSync(INSTALLED)) {
    leave('The packages are not installed yet. Run "npm ci" first.');
  }
  const builtAt = existsSync(BUILT) ? statSync(BUILT).mtimeMs : 0;
  if ([...sources(), INSTALLED].every((path) => statSync(path).mtimeMs <= builtAt)) return;
  process.stderr.write('Building …\n');
  const [command, ...args] = npm();
  const build = spawnSync(command, [...args, 'run', '--silent', 'build'], {
    cwd: root,
    encoding: 'utf8',
    shell: process.platform === 'win32' && command === 'npm',
  });
  if (build.status !== 0) {
    leave(`${build.stdout ?? ''}${build.stderr ?? ''}${build.error ?? ''}\nThe build failed.`);
  }
}

function sources() {
  return ['apps', 'libs'].flatMap((rooms) =>
    readdirSync(join(root, rooms)).flatMap((room) => sourcesBelow(join(root, rooms, room))),
  );
}

/** Paths of what is built; not of what was: packing a library leaves declarations that are newer than the build. */
export function sourcesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /(?<!spec|\.d)\.ts$|\.(css|html)$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

/** The npm that runs us, which may not be the first one on the path. */
function npm() {
  const running = process.env['npm_execpath'];
  return running ? [process.execPath, running] : ['npm'];
}

function leave(message) {
  process.stderr.write(`${message.trim()}\n`);
  process.exit(1);
}
