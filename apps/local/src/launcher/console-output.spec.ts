import { describe, expect, it } from '@jest/globals';
import { readableLine } from './console-output.js';

const log = (entry: object) => JSON.stringify({ level: 30, time: 'now', process: 'api', ...entry });

describe('a line of a process for people', () => {
  it('leaves out what goes as it should', () => {
    expect(readableLine(log({ msg: 'ready' }), false)).toBeUndefined();
    expect(readableLine(`{"msg":"ready","level":30}`, false)).toBeUndefined();
  });

  it('shows it to those who asked for it', () => {
    expect(readableLine(log({ msg: 'ready' }), true)).toBe('info: ready');
  });

  it('says a warning in words, with its cause and its details', () => {
    expect(
      readableLine(
        log({ level: 40, msg: 'no connection', err: { message: 'refused', stack: '…' }, tries: 3 }),
        false,
      ),
    ).toBe('warning: no connection (refused) {"tries":3}');
  });

  it('shows an error that has no text of its own', () => {
    expect(readableLine(log({ level: 50 }), false)).toBe('error: ');
  });

  it('passes on what was printed for people', () => {
    expect(readableLine('code 0421 for ada@example.org', false)).toBe(
      'code 0421 for ada@example.org',
    );
    expect(readableLine('{ not json', false)).toBe('{ not json');
    expect(readableLine('{"no":"level"}', false)).toBe('{"no":"level"}');
  });

  it('drops empty lines', () => {
    expect(readableLine('  ', true)).toBeUndefined();
  });
});
