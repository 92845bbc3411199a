/** The current instant in milliseconds since the Unix epoch. */
export type Clock = () => number;

/** Injection token of the process' `Clock`. */
export const CLOCK = Symbol('Clock');

export const systemClock: Clock = () => Date.now();
