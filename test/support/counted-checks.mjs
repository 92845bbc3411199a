/** Checks of a program that runs outside jest, counted. */

let passed = 0;
let failed = 0;

/**
 * @param found what there is instead
 * @returns whether it holds
 */
export function countedCheck(what, holds, found) {
  if (holds) passed += 1;
  else failed += 1;
  const detail = holds || found === undefined ? '' : `: ${JSON.stringify(found)}`;
  process.stdout.write(`${holds ? '✔' : '✘'} ${what}${detail}\n`);
  return holds;
}

/** Prints `N passed, N failed`, the last line, and decides the exit code. */
export function endChecks() {
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}
