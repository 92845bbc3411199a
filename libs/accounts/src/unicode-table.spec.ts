import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { invisible, unassigned, unicodeVersion } from './unicode-table.js';

describe('The tables of code points', () => {
  it('are what the generator makes of the Unicode version that they name', async () => {
    const generator = join(import.meta.dirname, '../generate-unicode-table.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, [generator]);
    expect(await readFile(join(import.meta.dirname, 'unicode-table.ts'), 'utf8')).toBe(stdout);
    expect(stdout).toContain(`'${unicodeVersion}'`);
  });

  it('name nothing that this Node takes for a visible character', () => {
    const wrong: string[] = [];
    for (let codePoint = 0; codePoint <= 0x10_ffff; codePoint += 1) {
      const text = String.fromCodePoint(codePoint);
      // A newer Unicode assigns more, and takes nothing back.
      const isUnassignedHere = /\p{Cn}/u.test(text);
      if (isUnassignedHere && !unassigned.test(text)) wrong.push(codePoint.toString(16));
      const isInvisibleHere = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/u.test(text);
      if (invisible.test(text) && !isInvisibleHere) wrong.push(codePoint.toString(16));
    }
    expect(wrong).toEqual([]);
  });
});
