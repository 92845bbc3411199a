import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot, runScript } from '../support/process.js';
import { temporaryFolder } from '../support/run-folder.js';

const DEMO = join(repositoryRoot, 'dist/apps/local/src/demo/main.js');

describe('npm run demo', () => {
  it('starts what it needs, tells the story, and leaves nothing running', async () => {
    const dataDir = temporaryFolder('demo');
    const { code, output } = await runScript(DEMO, {
      ...{
        API_PORT: '0',
        ADMIN_PORT: '0',
        MAILBOX_PORT: '0',
        EVENTSTORE_PORT: '0',
        SIGN_UP_PORT: '0',
      },
      ...{ POSTGRES_PORT: '0', DATA_DIR: dataDir, BCRYPT_COST: '4' },
    });
    expect(output).toContain('Starting the product');
    expect(output).toMatch(/activation-code-incorrect[^]*"active"[^]*account-already-active/);
    expect(output).toMatch(/0 .*AccountRegistered[^]*4 .*AccountActivated/);
    expect(code).toBe(0);
    expect(existsSync(join(dataDir, 'launcher.json'))).toBe(false);
    expect(existsSync(join(dataDir, 'postgres', 'postmaster.pid'))).toBe(false);
  });

  it("fails with the launcher's own words when the product cannot start", async () => {
    const { code, output } = await runScript(DEMO, {
      ...{ API_PORT: '7', MAILBOX_PORT: '7', DATA_DIR: temporaryFolder('demo-fault') },
    });
    expect(code).toBe(1);
    expect(output).toContain('MAILBOX_PORT is the same port as API_PORT');
  });
});
