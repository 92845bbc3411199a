import { Writable } from 'node:stream';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { NestLog } from './nest-log.js';

describe('Nest’s own messages', () => {
  const lines: Record<string, unknown>[] = [];
  const destination = new Writable({
    write(line: Buffer, _encoding, done) {
      lines.push(JSON.parse(line.toString()) as Record<string, unknown>);
      done();
    },
  });
  const nestLog = new NestLog(pino({ level: 'trace' }, destination));

  beforeEach(() => {
    lines.length = 0;
  });

  it.each([
    ['log', 20],
    ['debug', 10],
    ['verbose', 10],
    ['warn', 40],
    ['error', 50],
    ['fatal', 50],
  ] as const)('of level %s get level %p in ours', (method, level) => {
    nestLog[method]('Mapped {/drinks, GET} route', 'RouterExplorer');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      level,
      msg: 'Mapped {/drinks, GET} route',
      context: 'RouterExplorer',
    });
  });

  it('keep the error that they are about', () => {
    nestLog.error('it failed', new Error('the cause'), 'ExceptionsHandler');
    nestLog.error(new Error('itself'));
    expect(lines).toMatchObject([
      { msg: 'it failed', err: { message: 'the cause' } },
      { err: { message: 'itself' } },
    ]);
  });
});
