import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../support/process.js';

const FILES = [
  'docker-compose.yml',
  'docker/docker-compose.tests.yml',
  'docker/cluster/docker-compose.yml',
  'docker/Dockerfile',
  'docker/fail2ban/Dockerfile',
  'docker/crowdsec/Dockerfile',
];
/** Built here, of what is pinned elsewhere; and a tool that makes certificates once, and answers no request. */
const NOT_SERVING = /^registration|gencert/;

export interface PinnedVersion {
  readonly name: string;
  readonly version: string;
  /** The file that pins it. */
  readonly where: string;
}

export interface KnownVersions {
  /** ISO date of the day on which the table was last compared with what upstream says. */
  readonly checkedOn: string;
  /** ISO date of the last day, by name and by how a version begins. */
  readonly ends: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export function pinnedVersions(): PinnedVersion[] {
  const images = FILES.flatMap((where) =>
    [...read(where).matchAll(/(?:image: \$\{\w+:-|ARG \w+_IMAGE=)([\w./-]+):([\w.-]+)/g)].map(
      ([, name = '', version = '']) => ({ name, version, where }),
    ),
  ).filter(({ name }) => !NOT_SERVING.test(name));
  return [...images, { name: 'node', version: read('.nvmrc').trim(), where: '.nvmrc' }];
}

/** @param today ISO date */
export function faultOf(
  { name, version, where }: PinnedVersion,
  today: string,
  ends: KnownVersions['ends'],
): string | undefined {
  const parts = version.replace(/^v/, '').split(/[.-]/);
  const begins = parts.map((_, index) => parts.slice(0, index + 1).join('.'));
  const end = begins.map((begin) => ends[name]?.[begin]).find((date) => date !== undefined);
  if (end === undefined) return `${where}: docs/versions.json does not know ${name} ${version}`;
  return today <= end ? undefined : `${where}: ${name} ${version} ended on ${end}`;
}

export function knownVersions(): KnownVersions {
  return JSON.parse(read('docs/versions.json')) as KnownVersions;
}

function read(file: string): string {
  return readFileSync(join(repositoryRoot, file), 'utf8');
}
