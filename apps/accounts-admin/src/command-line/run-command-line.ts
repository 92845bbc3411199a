import { accountCommands } from './account-commands.js';
import { AdminClient, NotReachable } from './admin-client.js';
import type { CommandRun, Terminal } from './command.js';
import { connectionOf } from './connection.js';
import { databaseCommand } from './database-command.js';
import { eventStoreCommand } from './event-store-command.js';
import { evidenceCommands } from './evidence-commands.js';
import type { CommandGroups } from './help.js';
import {
  keyCommands,
  mailCommands,
  failedEventCommands,
  projectionCommands,
  statisticsCommand,
} from './operations-commands.js';
import { parseCommandLine } from './parse-command-line.js';
import type { ParsedCommand } from './parse-command-line.js';
import { UsageError } from './usage-error.js';
import { whatIfCommand } from './what-if-command.js';

export const commandGroups: CommandGroups = {
  Accounts: accountCommands,
  Evidence: evidenceCommands,
  Projections: projectionCommands,
  'Failed events': failedEventCommands,
  Mails: mailCommands,
  Numbers: [statisticsCommand, whatIfCommand],
  Keys: keyCommands,
  'The event store': [eventStoreCommand],
  'The database': [databaseCommand],
};

export const EXIT = { done: 0, failed: 1, usage: 2, notReachable: 3 } as const;

/**
 * Runs what was typed.
 *
 * @param words everything after the program's name
 * @returns the exit code; see `EXIT`
 */
export async function runCommandLine(
  words: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const line = (text: string) => void terminal.out.write(`${text}\n`);
  try {
    const parsed = parseCommandLine(words, terminal.program, commandGroups);
    if (typeof parsed === 'string') line(parsed);
    else await parsed.command.run(runOf(parsed, terminal, line));
    return EXIT.done;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    terminal.err.write(`${message}\n`);
    if (error instanceof UsageError) return EXIT.usage;
    return error instanceof NotReachable ? EXIT.notReachable : EXIT.failed;
  }
}

function runOf(
  { values }: ParsedCommand,
  terminal: Terminal,
  line: (text: string) => void,
): CommandRun {
  const texts = (name: string) =>
    [values[name]].flat().filter((value): value is string => typeof value === 'string');
  const text = (name: string) => texts(name).at(-1);
  const flag = (option: string) => [values[option]].flat().at(-1) === true;
  const wantsJson = flag('json');
  return {
    get client() {
      return new AdminClient(connectionOf(terminal.env, text('url')));
    },
    terminal,
    progress: terminal.err,
    text,
    texts,
    flag,
    line,
    wantsJson,
    show: (answer, forPeople) => line(wantsJson ? JSON.stringify(answer, null, 2) : forPeople()),
    confirm: async (question) => {
      if (flag('yes')) return true;
      if (terminal.ask === undefined) throw new UsageError(`${question} Confirm with --yes.`);
      return /^y(es)?$/i.test((await terminal.ask(`${question} [y/N] `)).trim());
    },
  };
}
