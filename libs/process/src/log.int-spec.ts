import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { runScript } from '../../../test/support/process.js';

const SCRIPT = fileURLToPath(new URL('../../../test/service/logging-process.mjs', import.meta.url));

async function linesWith(environment: Readonly<Record<string, string>>): Promise<string[]> {
  const { code, output } = await runScript(SCRIPT, environment);
  expect(code).toBe(0);
  return output.split('\n').filter((line) => line !== '');
}

describe('The log', () => {
  it.each([
    ['when asked for', { LOG_FORMAT: 'json' }],
    ['when its output is no terminal', { LOG_FORMAT: '' }],
    ['in production', { LOG_FORMAT: '', NODE_ENV: 'production' }],
  ])(
    'is one JSON object a line %s, complete although the process leaves at once',
    async (_, env) => {
      const lines = (await linesWith(env)).map((line) => JSON.parse(line) as object);
      expect(lines).toEqual([
        expect.objectContaining({
          level: 30,
          process: 'logging',
          accountId: 'a-1',
          msg: 'it happened',
          time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        }),
        expect.objectContaining({
          level: 50,
          msg: 'it failed',
          err: expect.objectContaining({
            message: 'it broke',
            stack: expect.stringContaining('logging-process.mjs'),
          }),
        }),
      ]);
    },
  );

  it('is lines for people when asked for, without colours where no terminal is', async () => {
    const [first = ''] = await linesWith({ LOG_FORMAT: 'pretty' });
    expect(first).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: it happened \{"accountId":"a-1"\}$/);
  });

  it.each([
    ['debug', ['details', 'it happened', 'it failed']],
    ['', ['it happened', 'it failed']],
    ['error', ['it failed']],
    ['silent', []],
  ])('says as much as LOG_LEVEL %p wants', async (level, messages) => {
    const lines = await linesWith({ LOG_LEVEL: level });
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(messages);
  });
});
