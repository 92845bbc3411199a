import { parseArgs } from 'node:util';
import type { Environment } from '@app/service';
import { accountCommands } from './account-commands.js';
import { AdminClient, NotReachable } from './admin-client.js';
import type { Command, CommandRun, OptionValues } from './command.js';
import { connectionOf } from './connection.js';
import { evidenceCommands } from './evidence-commands.js';
import { helpOn, overview, usageOf } from './help.js';
import { operationsCommands } from './operations-commands.js';
import type { ProgressOutput } from './progress-bar.js';
import { UsageError } from './usage-error.js';
import { whatIfCommand } from './what-if-command.js';

export const commands: readonly Command[] = [
  ...accountCommands,
  ...evidenceCommands,
  whatIfCommand,
  ...operationsCommands,
];

export const EXIT = { done: 0, failed: 1, usage: 2, notReachable: 3 } as const;

export interface Terminal {
  /** How the program was called; for help. */
  readonly program: string;
  readonly env: Environment;
  readonly out: ProgressOutput;
  readonly err: ProgressOutput;
  /** Undefined where nobody can be asked. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
}

const commonOptions = {
  json: { type: 'boolean' },
  yes: { type: 'boolean' },
  help: { type: 'boolean' },
  url: { type: 'string' },
} as const;

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
  const command = commandOf(words);
  try {
    if (command === undefined) {
      const asked = words.length === 0 || words.includes('--help') || words[0] === 'help';
      if (asked) line(overview(terminal.program, commands));
      else throw new UsageError(`There is no command "${words.join(' ')}". Try --help.`);
      return EXIT.done;
    }
    if (words.includes('--help')) {
      line(helpOn(terminal.program, command));
      return EXIT.done;
    }
    await command.run(runOf(command, words, terminal, line));
    return EXIT.done;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    terminal.err.write(`${message}\n`);
    if (error instanceof UsageError) return EXIT.usage;
    return error instanceof NotReachable ? EXIT.notReachable : EXIT.failed;
  }
}

function commandOf(words: readonly string[]): Command | undefined {
  return commands.find(({ name }) => {
    const own = name.split(' ');
    return own.every((word, index) => words[index] === word);
  });
}

function runOf(
  command: Command,
  words: readonly string[],
  terminal: Terminal,
  line: (text: string) => void,
): CommandRun {
  const { positionals, values } = parsed(command, words, terminal.program);
  const options: OptionValues = values;
  const text = (option: string) => {
    const value = options[option];
    return typeof value === 'string' ? value : undefined;
  };
  const wantsJson = options['json'] === true;
  return {
    client: new AdminClient(connectionOf(terminal.env, text('url'))),
    words: positionals,
    options,
    progress: terminal.err,
    text,
    flag: (option) => options[option] === true,
    line,
    wantsJson,
    show: (answer, forPeople) => line(wantsJson ? JSON.stringify(answer, null, 2) : forPeople()),
    confirm: async (question) => {
      if (options['yes'] === true) return true;
      if (terminal.ask === undefined) throw new UsageError(`${question} Confirm with --yes.`);
      return /^y(es)?$/i.test((await terminal.ask(`${question} [y/N] `)).trim());
    },
  };
}

function parsed(command: Command, words: readonly string[], program: string) {
  const args = words.slice(command.name.split(' ').length);
  const usage = `Usage: ${program} ${usageOf(command)} [options]`;
  try {
    const { positionals, values } = parseArgs({
      args,
      options: { ...command.options, ...commonOptions },
      allowPositionals: true,
      strict: true,
    });
    const { words: wanted, optionalWords = [] } = command;
    const beyond = positionals.length - wanted.length;
    if (beyond >= 0 && beyond <= optionalWords.length) {
      return { positionals, values: values as OptionValues };
    }
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  }
  throw new UsageError(usage);
}
