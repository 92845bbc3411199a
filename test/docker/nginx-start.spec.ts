import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { repositoryRoot } from '../support/process.js';
import { temporaryFolder } from '../support/run-folder.js';

/** What the start writes for an nginx of this version. */
function written(version: string): string {
  const folder = temporaryFolder('nginx-start');
  const nginx = `#!/bin/sh\n[ "$1" = -v ] && echo 'nginx version: ${version}' >&2\nexit 0\n`;
  writeFileSync(join(folder, 'nginx'), nginx, { mode: 0o755 });
  execFileSync('sh', [join(repositoryRoot, 'docker/nginx/start.sh')], {
    env: {
      PATH: `${folder}:${process.env['PATH']}`,
      EDGE_RUNTIME_DIR: folder,
      EDGE_BAN_LOG: join(folder, 'ban.log'),
      BAN_LOG_CHECK_SECONDS: '0.01',
    },
  });
  const files = ['listen-https.conf', 'listen-https-default.conf', 'listen-http.conf'];
  return files.map((file) => readFileSync(join(folder, file), 'utf8')).join('');
}

describe('The start of nginx', () => {
  it.each(['nginx/1.22.1', 'nginx/1.25.0 (Debian)', 'nginx/1.9.15'])(
    'asks %s for HTTP/2 with a word in listen',
    (version) => {
      expect(written(version)).toMatch(
        /^listen 8443 ssl http2; \n(listen \[::\]:8443 ssl http2;\n)?listen 8443 ssl http2 default_server; \n/,
      );
    },
  );

  it.each(['nginx/1.25.1', 'nginx/1.30.2', 'nginx/1.30.2 (build)', 'openresty/1.31.0'])(
    'asks %s for it with a directive',
    (version) => {
      const configuration = written(version);
      expect(configuration).not.toMatch(/listen[^;]*http2/);
      expect(configuration.match(/^listen 8443 ssl( default_server)?; http2 on;$/gm)).toHaveLength(
        2,
      );
    },
  );
});
