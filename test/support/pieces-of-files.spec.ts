import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { piecesOfFiles } from './pieces-of-files.js';
import { temporaryFolder } from './run-folder.js';

const MEBIBYTE = 1_048_576;

it('pieces of files show whatever stands in them, also where two pieces meet, and count it once', () => {
  const folder = temporaryFolder('pieces');
  mkdirSync(join(folder, 'below'));
  const file = openSync(join(folder, 'below', 'chunk'), 'w');
  const places = [0, 16 * MEBIBYTE - 3, 16 * MEBIBYTE + 100, 40 * MEBIBYTE];
  for (const place of places) writeSync(file, 'sought', place);
  closeSync(file);
  let inTexts = 0;
  let inNews = 0;
  for (const { text, news } of piecesOfFiles(folder)) {
    expect(text.length).toBeLessThan(17 * MEBIBYTE);
    inTexts += text.split('sought').length - 1;
    inNews += news.split('sought').length - 1;
  }
  expect(inTexts).toBe(places.length);
  expect(inNews).toBe(places.length - 1);
});
