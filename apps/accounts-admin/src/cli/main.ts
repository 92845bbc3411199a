import { createInterface } from 'node:readline/promises';
import { runCommandLine } from './run-command-line.js';

/** `npm run admin -- …`: the admin API from the command line. */
async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}

// Whoever reads only the first lines (head) closes the pipe: that is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

process.exitCode = await runCommandLine(process.argv.slice(2), {
  env: process.env,
  out: process.stdout,
  err: process.stderr,
  ask: process.stdin.isTTY ? ask : undefined,
});
