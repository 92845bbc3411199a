import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { productFolder } from '@app/process';

/** Date of its end of every version of Node, by its major number. */
type EndsOfNode = Readonly<Record<string, string>>;

/**
 * What to say of a version of Node that upstream no longer mends; undefined while it does, or where its end is not known.
 *
 * @param version as `process.versions.node` gives it
 * @param today ISO date
 */
export function endedNode(
  version: string,
  today: string,
  ends: EndsOfNode = knownEnds(),
): string | undefined {
  const [major = ''] = version.split('.');
  const end = ends[major];
  if (end === undefined || today <= end) return undefined;
  return `Node ${version} works, but its support ended on ${end}: take Node ${textOf('.nvmrc').trim()}.`;
}

function textOf(file: string): string {
  return readFileSync(join(productFolder(), file), 'utf8');
}

function knownEnds(): EndsOfNode {
  const text = textOf('docs/versions.json');
  return (JSON.parse(text) as { readonly ends: { readonly node: EndsOfNode } }).ends.node;
}
