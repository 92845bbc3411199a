import { setImmediate as nextTurn } from 'node:timers/promises';

/** Resolves when everything that needs no timer and no input has run. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await nextTurn();
}

/** A promise that a spec settles when it wants. */
export class Gate {
  readonly promise: Promise<void>;
  open!: () => void;
  fail!: (error: Error) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.open = resolve;
      this.fail = reject;
    });
  }
}
