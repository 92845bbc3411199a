import { describe, expect, it } from '@jest/globals';
import type { Environment } from '@app/process';
import { temporaryFolder } from '../../../../test/support/run-folder.js';
import { developmentSecrets } from './development-secrets.js';
import { PARTS } from './parts.js';

/** Node's flags for each part that is given some. */
function flagsOfParts(inherited: Environment): Record<string, string> {
  const secrets = developmentSecrets(temporaryFolder('secrets-of-parts'));
  const flags = PARTS.map(({ name, environment }) => {
    const { NODE_OPTIONS } = environment({
      settings: { host: '127.0.0.1', dataDir: '/data' },
      secrets,
      inherited,
      portOf: () => 0,
      urlOf: (wanted) => `${wanted}://`,
      databaseUrlOf: (role) => `postgres://${role}`,
    });
    return NODE_OPTIONS === undefined ? [] : [[name, NODE_OPTIONS] as const];
  });
  return Object.fromEntries(flags.flat());
}

describe('The parts of the product', () => {
  it('that grow with the load or the log have a bound for their heap, or what the caller asks of Node', () => {
    const bound = '--max-old-space-size=160 --max-semi-space-size=8';
    expect(flagsOfParts({})).toEqual({ api: bound, worker: bound, admin: bound });
    const asked = '--inspect=0';
    expect(flagsOfParts({ NODE_OPTIONS: asked })).toEqual({
      api: asked,
      worker: asked,
      admin: asked,
    });
  });
});
