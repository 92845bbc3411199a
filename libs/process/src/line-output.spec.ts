import { Writable } from 'node:stream';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '../../../test/support/run-folder.js';
import { LineOutput, linesTo, linesToFile } from './line-output.js';

const tell = (dropped: number) => `${dropped} dropped\n`;

describe('Lines that are never waited for', () => {
  it('are dropped while there is no room, and counted in front of the next one', () => {
    const written: string[] = [];
    let isFull = false;
    const output = new LineOutput((line) => !isFull && written.push(line) > 0, tell);
    output.write('a\n');
    isFull = true;
    for (const line of ['b\n', 'c\n']) output.write(line);
    isFull = false;
    for (const line of ['d\n', 'e\n']) output.write(line);
    expect(written.join('')).toBe('a\n2 dropped\nd\ne\n');
    expect(output.dropped).toBe(2);
  });

  it('wait for their reader up to a megabyte, and no more of them until it has taken those', async () => {
    const read: (() => void)[] = [];
    const texts: string[] = [];
    const stream = new Writable({
      decodeStrings: false,
      write: (line: string, _, done) => {
        texts.push(line);
        read.push(done);
      },
    });
    const output = linesTo(stream, tell);
    const line = `${'x'.repeat(99_999)}\n`;
    for (let count = 0; count < 15; count += 1) output.write(line);
    output.write('short\n');
    expect([stream.writableLength, output.dropped]).toEqual([1_000_000, 6]);
    while (!texts.includes(tell(6))) {
      read.shift()?.();
      await new Promise(setImmediate);
    }
    expect(texts).toHaveLength(11);
  });

  it('are counted when their reader is gone', async () => {
    const stream = new Writable({ write: (_line, _encoding, done) => done(new Error('EPIPE')) });
    const output = linesTo(stream, tell);
    output.write('a\n');
    await new Promise(setImmediate);
    output.write('b\n');
    expect(output.dropped).toBe(1);
  });

  it('go on in a file that had no room for a while', () => {
    const path = join(temporaryFolder('lines'), 'log');
    writeFileSync(path, '');
    // Refuses every write, as a full disk does.
    const full = openSync(path, 'r');
    const onFullDisk = linesToFile(full, tell);
    onFullDisk.write('a\n');
    onFullDisk.write('b\n');
    closeSync(full);
    expect(onFullDisk.dropped).toBe(2);
    // The kernel gives the lowest free number: the same one, now with room.
    const withRoom = openSync(path, 'w');
    expect(withRoom).toBe(full);
    onFullDisk.write('c\n');
    closeSync(withRoom);
    expect(readFileSync(path, 'utf8')).toBe('\n2 dropped\nc\n');
  });
});
