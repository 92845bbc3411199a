/** Throws, or rejects, when the dependency cannot be used now. */
export type HealthCheck = () => Promise<void>;

export interface Readiness {
  readonly ready: boolean;
  /** One entry per dependency: `ok`, or what is wrong with it. */
  readonly checks: Readonly<Record<string, string>>;
}

const CHECK_TIMEOUT_MS = 2_000;

/**
 * Runs every check side by side, each with a deadline of 2 s.
 *
 * @returns ready only when all of them passed; error messages are ours and hold no personal data
 */
export async function readinessOf(
  checks: Readonly<Record<string, HealthCheck>>,
): Promise<Readiness> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => [name, await outcomeOf(check)] as const),
  );
  return {
    ready: results.every(([, outcome]) => outcome === 'ok'),
    checks: Object.fromEntries(results),
  };
}

async function outcomeOf(check: HealthCheck): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, CHECK_TIMEOUT_MS, `no answer within ${CHECK_TIMEOUT_MS} ms`);
  });
  // Inside a function of its own, so that a check that throws at once is a failed check too.
  const checked = (async () => check())().then(
    () => 'ok',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const outcome = await Promise.race([checked, late]);
  clearTimeout(timer);
  return outcome;
}
