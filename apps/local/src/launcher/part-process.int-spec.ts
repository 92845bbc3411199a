import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { LineOutput } from '@app/process';
import { repositoryRoot } from '../../../../test/support/process.js';
import { temporaryFolder } from '../../../../test/support/run-folder.js';
import { ConsoleOutput } from './console-output.js';
import { startPartProcess } from './part-process.js';

describe('A part that is asked to stop', () => {
  async function stopped(script: Record<string, string>): Promise<{ end: string; said: string }> {
    const folder = temporaryFolder('part-process');
    const said: string[] = [];
    const part = startPartProcess({
      name: 'scripted',
      script: join(repositoryRoot, 'test/service/scripted-process.mjs'),
      environment: { LOG_FORMAT: 'json', JOURNAL: join(folder, 'journal'), ...script },
      output: new ConsoleOutput({
        to: new LineOutput((line) => said.push(line) > 0, String),
        coloured: false,
        verbose: false,
        logFolder: folder,
      }),
    });
    await part.ready;
    await part.stop(400);
    return { end: await part.exited, said: said.join('') };
  }

  it('gets the time that it says it needs', async () => {
    expect(await stopped({ STOP: 'slow', WITHIN_MS: '20000' })).toEqual({
      end: 'exit code 0',
      said: '',
    });
  });

  it('is killed when it does not even say so', async () => {
    const { end, said } = await stopped({ AFTERWARDS: 'freeze' });
    expect(end).toBe('SIGKILL');
    expect(said).toContain('did not stop within 400 ms: killed');
  });
});
