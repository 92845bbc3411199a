import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../support/process.js';

/** Text of a file of the repository, without comments. */
export function readWithoutComments(path: string): string {
  const text = readFileSync(join(repositoryRoot, path), 'utf8');
  return text.replace(/^\s*#.*\n/gm, '').replace(/\s+#\s.*$/gm, '');
}

/**
 * The blocks one level below a top-level key of the compose file, by name: enough of YAML to check what the
 * file promises. Whether it is valid as a whole is for `docker compose config` to say.
 */
export function blocksOf(composeFile: string, topLevelKey: string): ReadonlyMap<string, string> {
  const section = new RegExp(`^${topLevelKey}:\\n((?: .*\\n|\\n)*)`, 'm').exec(composeFile)?.[1];
  if (section === undefined) throw new Error(`the compose file has no ${topLevelKey}`);
  const blocks = section.split(/^ {2}(?=[a-z0-9-]+:)/m).slice(1);
  return new Map(
    blocks.map((block) => {
      const name = block.slice(0, block.indexOf(':'));
      return [name, block.slice(name.length + 1)] as const;
    }),
  );
}

/** A service's block with the blocks that it merges in (`<<: *name`), its own text first. */
export function withMerged(composeFile: string, block: string): string {
  const names = [...block.matchAll(/^ {4}<<: \*([\w-]+)$/gm)].map(([, name]) => name ?? '');
  return [block, ...names.map((name) => withMerged(composeFile, anchored(composeFile, name)))].join(
    '\n',
  );
}

/** The block that an anchor stands before, with the indentation of a service's. */
function anchored(composeFile: string, name: string): string {
  const [, indentation, block] =
    new RegExp(`^( *)[\\w-]+: &${name}\\n((?:\\1 +.*\\n)*)`, 'm').exec(composeFile) ?? [];
  if (block === undefined) throw new Error(`the compose file has no &${name}`);
  return indentation === '' ? block.replace(/^/gm, '  ') : block;
}

/** Variables and their values in a service's `environment`, what it merges in first. */
export function environmentOf(composeFile: string, serviceBlock: string): Map<string, string> {
  const section = /^ {4}environment:\n((?: {6}.*\n)*)/m.exec(serviceBlock)?.[1] ?? '';
  const [, merged] = /^ {6}<<: \*([\w-]+)$/m.exec(section) ?? [];
  const anchored = merged
    ? new RegExp(`^x-[\\w-]+: &${merged}\\n((?: {2}.*\\n)*)`, 'm').exec(composeFile)?.[1]
    : '';
  if (anchored === undefined) throw new Error(`the compose file has no &${merged}`);
  return new Map(
    [...`${anchored}${section}`.matchAll(/^ +([A-Z_0-9]+): (.*)$/gm)].map(
      ([, name = '', value = '']) => [name, value.replace(/^'(.*)'$/, '$1')] as const,
    ),
  );
}
