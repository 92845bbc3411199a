import { afterAll, describe, expect, it } from '@jest/globals';
import { pairs } from './faults.js';
import type { Outcome } from './play-pair.js';
import { playPair } from './play-pair.js';
import { World } from './world.js';

/** Where among all pairs to begin: any hexadecimal number, such as the id of a commit. */
const TURN = Number(BigInt(`0x${process.env['PAIRS_TURN'] ?? '0'}`) % BigInt(pairs.length));
/** After so long no further pair is begun. */
const BUDGET_MS = Number(process.env['PAIRS_MINUTES'] ?? '60') * 60_000;
/** `PAIRS_ONLY='clock off'` plays those with that fault. */
const ONLY = process.env['PAIRS_ONLY'] ?? '';

describe('Two faults at once', () => {
  let world: World | undefined;
  afterAll(() => world?.stop());

  it(
    'make others wait for five seconds at most, lose nothing and mail nothing twice',
    async () => {
      const inTurn = [...pairs.slice(TURN), ...pairs.slice(0, TURN)].filter((pair) =>
        pair.some(({ name }) => name.includes(ONLY)),
      );
      const begunAt = performance.now();
      const failures: string[] = [];
      let played = 0;
      print('| pair | slowest mail of the others | lost | doubled |', '|---|---|---|---|');
      for (const pair of inTurn) {
        if (performance.now() - begunAt > BUDGET_MS) break;
        const name = pair.map((fault) => fault.name).join(' + ');
        world ??= await World.start();
        played += 1;
        try {
          print(rowOf(name, await playPair(world, pair)));
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error);
          print(`| ${name} | failed: ${reason.split('\n', 1)[0]} | | |`);
          failures.push(`${name}: ${reason}`);
          await world.stop().catch((fault: unknown) => print(String(fault)));
          world = undefined;
        }
      }
      print(`${played} of ${pairs.length} pairs were played.`);
      expect(failures).toEqual([]);
      expect(played).toBeGreaterThan(0);
    },
    BUDGET_MS + 300_000,
  );
});

function rowOf(name: string, { slowestMs, lost, doubled }: Outcome): string {
  return `| ${name} | ${(slowestMs / 1_000).toFixed(1)} s | ${lost} | ${doubled} |`;
}

/** Standard error is what `npm run test:pairs` shows. */
function print(...lines: readonly string[]): void {
  for (const line of lines) process.stderr.write(`${line}\n`);
}
