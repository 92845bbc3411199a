/** Checks of a program that runs outside jest, counted. */

let passed = 0;
let failed = 0;

/**
 * @param found what there is instead; as it is where it is text
 * @returns whether it holds
 */
export function countedCheck(what, holds, found) {
  if (holds) passed += 1;
  else failed += 1;
  const text = typeof found === 'string' ? `\n${found}` : ` ${JSON.stringify(found)}`;
  const detail = holds || found === undefined || found === '' ? '' : `:${text}`;
  process.stdout.write(`${holds ? '✔' : '✘'} ${what}${detail}\n`);
  return holds;
}

/** Prints `N passed, N failed`, the last line, and decides the exit code. */
export function endChecks() {
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}
