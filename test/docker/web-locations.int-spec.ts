import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { repositoryRoot, runScript } from '../support/process.js';
import { temporaryFolder } from '../support/run-folder.js';

const MAILBOX = join(repositoryRoot, 'dist/apps/local/src/mailbox/main.js');

/** What the web server's start includes, with a stand-in for nginx itself. */
async function locationsWith(env: Record<string, string>, folder?: string): Promise<string> {
  const root = temporaryFolder('web-locations');
  mkdirSync(join(root, 'bin'));
  writeFileSync(join(root, 'bin/nginx'), '#!/bin/sh\n', { mode: 0o755 });
  await promisify(execFile)('sh', [join(repositoryRoot, 'docker/nginx/start.sh')], {
    env: {
      PATH: `${join(root, 'bin')}:${process.env['PATH']}`,
      EDGE_RUNTIME_DIR: root,
      EDGE_LOCATIONS: folder ?? join(repositoryRoot, 'docker/nginx-development'),
      BAN_LOG_CHECK_SECONDS: '0.1',
      ...env,
    },
  });
  return readFileSync(join(root, 'locations.conf'), 'utf8');
}

describe('with a provider for e-mails, the stack in containers', () => {
  const EMAIL_API_URL = 'https://mail.test';

  it('has no inbox on the web server, which is there without one', async () => {
    const inbox = join(repositoryRoot, 'docker/nginx-development/mailbox.conf');
    expect(await locationsWith({})).toBe(`include "${inbox}";\n`);
    expect(await locationsWith({ EMAIL_API_URL: '' })).toBe(`include "${inbox}";\n`);
    expect(await locationsWith({ EMAIL_API_URL })).toBe('');
  });

  it('keeps the other locations of an operator', async () => {
    const folder = temporaryFolder('own-locations');
    expect(await locationsWith({}, folder)).toBe('');
    writeFileSync(join(folder, 'own.conf'), '');
    const own = `include "${join(folder, 'own.conf')}";\n`;
    expect(await locationsWith({ EMAIL_API_URL }, folder)).toBe(own);
  });

  it('has no mailbox: its process ends at once, and well', async () => {
    const { code, output } = await runScript(MAILBOX, { EMAIL_API_URL });
    expect([code, output]).toEqual([
      0,
      'EMAIL_API_URL names the e-mail provider: there is no mailbox\n',
    ]);
  });
});
