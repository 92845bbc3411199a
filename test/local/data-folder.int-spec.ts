import { describe, expect, it } from '@jest/globals';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareDataFolder } from '../../apps/local/src/launcher/data-folder.js';
import { temporaryFolder } from '../support/run-folder.js';

describe('data folder', () => {
  it('is made with all folders above it', () => {
    const folder = join(temporaryFolder('data-folder'), 'some', 'where');
    prepareDataFolder(folder);
    prepareDataFolder(folder);
    expect(existsSync(folder)).toBe(true);
  });

  it('that cannot be one is refused with a way out', () => {
    const file = join(temporaryFolder('data-folder'), 'file');
    writeFileSync(file, '');
    expect(() => prepareDataFolder(join(file, 'below'))).toThrow(/cannot be used[^]*DATA_DIR/);
  });
});
