import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { Linter } from 'eslint';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const eslint = join(root, 'node_modules/eslint/bin/eslint.js');
const RULES = ['no-restricted-properties', 'no-restricted-syntax'] as const;

/** What the linter finds in a file of that name, as far as these rules go. */
async function foundIn(path: string, code: string): Promise<string[]> {
  const { stdout } = await run(process.execPath, [eslint, '--print-config', path], { cwd: root });
  const { rules } = JSON.parse(stdout) as { rules: Linter.RulesRecord };
  const ours = Object.fromEntries(
    RULES.flatMap((name) => (rules[name] ? [[name, rules[name]]] : [])),
  );
  return new Linter().verify(code, [{ rules: ours }]).map(({ ruleId }) => String(ruleId));
}

describe("the clock of a process' own machine", () => {
  const code = `export const found = [Date.now(), new Date()];
export const allowed = [new Date(0), performance.now()];`;

  it('is read by no file of the product', async () => {
    expect(await foundIn('apps/accounts-api/src/main.ts', code)).toEqual(RULES);
  });

  it('is read where it is compared with the right one', async () => {
    expect(await foundIn('libs/process/src/clock.ts', code)).toEqual([]);
  });
});
