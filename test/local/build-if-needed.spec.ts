import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { sourcesBelow } from '../../apps/local/build-if-needed.mjs';
import { temporaryFolder } from '../support/run-folder.js';

describe('A build is needed', () => {
  it('when a source is newer: neither a test nor what packing a library wrote', () => {
    const folder = temporaryFolder('sources');
    const sources = ['src/index.ts', 'src/spec-of-codes.ts', 'index.html', 'style.css'];
    const others = ['src/index.spec.ts', 'dist/index.d.ts', 'dist/index.js', 'README.md'];
    for (const file of [...sources, ...others]) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), '');
    }
    const found = sourcesBelow(folder).map((path) => relative(folder, path));
    expect(found.sort()).toEqual(sources.sort());
  });
});
