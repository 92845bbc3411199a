import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { repositoryRoot } from '../support/process.js';
import { temporaryFolder } from '../support/run-folder.js';

const IMAGES = [
  'DEBIAN_IMAGE debian:bookworm-slim',
  'EVENTSTORE_IMAGE kurrentplatform/kurrentdb:26.0.3',
  'GENCERT_IMAGE eventstore/es-gencert-cli:1.0.2',
  'GRAFANA_IMAGE grafana/grafana:13.1.7',
  'NGINX_IMAGE nginx:1.30',
  'NODE_IMAGE node:24-bookworm-slim',
  'POSTGRES_EXPORTER_IMAGE prometheuscommunity/postgres-exporter:v0.18.1',
  'POSTGRES_IMAGE postgres:18',
  'PROMETHEUS_IMAGE prom/prometheus:v3.13.2',
];
const digestOf = (image: string) => `sha256:${createHash('sha256').update(image).digest('hex')}`;

let folder: string;
let file: string;

beforeEach(() => {
  folder = temporaryFolder('pin-digests');
  file = join(folder, '.env');
});

/** Runs the script with a command in place of docker that knows a digest for each image but one. */
async function pin({ unknown = '' } = {}): Promise<string> {
  const docker = join(folder, 'docker');
  const script = `#!/bin/sh
    for last; do :; done
    echo "$1 $last" >> ${folder}/calls
    case $1 in
      pull) echo "$last" ;;
      image) [ "$last" = "${unknown}" ] || echo "\${last%:*}@sha256:$(printf %s "$last" | sha256sum | cut -d ' ' -f 1)" ;;
    esac\n`;
  writeFileSync(docker, script, { mode: 0o755 });
  const command = join(repositoryRoot, 'docker/pin-digests.sh');
  const env = { PATH: process.env['PATH'], DOCKER: docker };
  const { stdout } = await promisify(execFile)(command, [file], { env });
  return stdout;
}

describe('docker/pin-digests.sh', () => {
  it('pulls each image that is not built here, and writes what it is', async () => {
    const printed = await pin();
    const lines = IMAGES.map((line) => {
      const [variable = '', image = ''] = line.split(' ');
      return `${variable}=${image}@${digestOf(image)}`;
    });
    expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toEqual(lines);
    expect(printed.trimEnd().split('\n')).toEqual(lines);
    const calls = readFileSync(join(folder, 'calls'), 'utf8');
    for (const line of IMAGES) expect(calls).toContain(`pull ${line.split(' ')[1] ?? ''}\n`);
  });

  it('leaves other settings alone, and pins anew what was pinned to an older one', async () => {
    writeFileSync(
      file,
      'HTTPS_PORT=443\nNGINX_IMAGE=mirror.test/nginx:1.29@sha256:old\nEMAIL_FROM=a <a@b.test>\n',
    );
    await pin();
    await pin();
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(IMAGES.length + 2);
    expect(lines.slice(0, 2)).toEqual(['HTTPS_PORT=443', 'EMAIL_FROM=a <a@b.test>']);
    expect(lines).toContain(
      `NGINX_IMAGE=mirror.test/nginx:1.29@${digestOf('mirror.test/nginx:1.29')}`,
    );
  });

  it('writes nothing when one of them has no digest', async () => {
    writeFileSync(file, 'HTTPS_PORT=443\n');
    await expect(pin({ unknown: 'postgres:18' })).rejects.toThrow(/no digest of postgres:18/);
    expect(readFileSync(file, 'utf8')).toBe('HTTPS_PORT=443\n');
  });
});
