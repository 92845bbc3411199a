import { createInterface } from 'node:readline/promises';
import { runCommandLine } from './run-command-line.js';

/**
 * The admin API from the command line: `npm run --silent admin -- …` (npm prints lines of its own without
 * --silent, which spoil a receipt), `registration …` in the image.
 */
const program =
  process.env['npm_lifecycle_event'] === 'admin' ? 'npm run --silent admin --' : 'registration';

const STATEMENT_TIMEOUT_MS = 60_000;

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}

// A reader of only the first lines (head) closes the pipe: that is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

process.exitCode = await runCommandLine(process.argv.slice(2), {
  program,
  env: process.env,
  // Loaded when they are wanted: every other command is quicker without the clients of the stores.
  access: () => import('@app/event-store/eventstoredb-access.js'),
  connectDatabase: async (url) => {
    const { createPool } = await import('@app/postgres/postgres.js');
    return createPool(url, {
      max: 1,
      applicationName: 'prepare',
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      allowUnconfirmed: true,
    });
  },
  out: process.stdout,
  err: process.stderr,
  ask: process.stdin.isTTY ? ask : undefined,
});
