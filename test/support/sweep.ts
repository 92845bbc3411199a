/**
 * How much a long test plays: little beside the others of CI, all of it with `SWEEP=full npm run test:long -- NAME`.
 */
export function sweep(little: number, full: number): number {
  return process.env['SWEEP'] === 'full' ? full : little;
}
