/**
 * The limit of every registration: bcrypt on all cores and nothing else. Hashes for as many seconds
 * as a message asks, and answers how many hashes there were and what they cost.
 */
import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import bcrypt from 'bcrypt';

process.on('message', async ({ cost, seconds }) => {
  const before = process.cpuUsage();
  const startedAt = performance.now();
  const until = startedAt + seconds * 1_000;
  let hashes = 0;
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      while (performance.now() < until) {
        await bcrypt.hash('purple-lantern-orbit-42', cost);
        hashes += 1;
      }
    }),
  );
  const tookSeconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(before);
  process.send({
    kind: 'hashed',
    perSecond: hashes / tookSeconds,
    cpuMs: (user + system) / 1_000 / hashes,
  });
});
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
process.send({ kind: 'ready', endpoints: {} });
