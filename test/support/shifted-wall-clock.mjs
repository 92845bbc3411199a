/**
 * Preloaded into a process, gives it a wall clock that is off: by as many milliseconds as the file says that
 * WALL_CLOCK_SHIFT_FILE names, read at the start and again at each SIGUSR2. Its monotonic clock is left alone.
 */
import { readFileSync } from 'node:fs';

const file = process.env['WALL_CLOCK_SHIFT_FILE'];
const RealDate = Date;
let shiftMs = 0;

const readShift = () => (shiftMs = Number(readFileSync(file, 'utf8')));
readShift();
process.on('SIGUSR2', readShift);

const now = () => RealDate.now() + shiftMs;
globalThis.Date = new Proxy(RealDate, {
  apply: () => new RealDate(now()).toString(),
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
});
