import { startBcryptPool } from '../processes.mjs';

/** Every limit that the other figures are held against, at once. */
export async function machineLimits({ stage, limits, quick, rounds, progress }, report) {
  const bcrypt = await startBcryptPool(stage);
  for (const cost of [12, 10, 4]) {
    progress(`limit: bcrypt at cost ${cost}`);
    await bcrypt.hash(cost, 0.3);
    const measured = [];
    for (let round = 0; round < rounds; round += 1) {
      measured.push(await bcrypt.hash(cost, quick ? 0.7 : 2));
    }
    report.figure({
      name: `bcrypt alone, cost ${cost}`,
      unit: '1/s',
      rounds: measured.map(({ perSecond }) => perSecond),
    });
    report.figure({
      name: `bcrypt alone, cost ${cost}, CPU`,
      unit: 'ms',
      rounds: measured.map(({ cpuMs }) => cpuMs),
    });
  }
  await limits.echo();
  await limits.inserts();
  await limits.copies();
  await limits.appends();
}
