import type { Command } from './command.js';

/** What there is. */
export function overview(program: string, commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => usageOf(command).length));
  return [
    `Usage: ${program} <command> [options]`,
    '',
    ...commands.map((command) => `  ${usageOf(command).padEnd(width)}  ${command.summary}`),
    '',
    'Options of every command:',
    '  --json   the answer as JSON, for machines',
    '  --yes    do not ask before something that cannot be taken back',
    '  --url    where the admin API is; otherwise ADMIN_URL, or the product that runs in DATA_DIR (.data)',
    '  --help   help on the command, with examples',
    '',
    'The key is ADMIN_KEY, or the content of the file ADMIN_KEY_FILE, or the one in the data folder.',
    'Exit codes: 0 done, 1 refused or failed, 2 the command line is wrong, 3 nobody answers.',
  ].join('\n');
}

/** How one command is used. */
export function helpOn(program: string, command: Command): string {
  const options = Object.entries(command.optionHelp);
  const width = Math.max(0, ...options.map(([name]) => name.length));
  return [
    `${command.summary}.`,
    '',
    `Usage: ${program} ${usageOf(command)} [options]`,
    ...(options.length > 0 ? ['', 'Options:'] : []),
    ...options.map(([name, help]) => `  --${name.padEnd(width)}  ${help}`),
    '',
    command.examples.length === 1 ? 'Example:' : 'Examples:',
    ...examplesOf(program, command).map((example) => `  ${example}`),
  ].join('\n');
}

/** Lines that a shell runs as they are. */
export function examplesOf(program: string, { name, examples }: Command): readonly string[] {
  return examples.map((example) => (example.startsWith(name) ? `${program} ${example}` : example));
}

export function usageOf({ name, words, optionalWords = [] }: Command): string {
  return [
    name,
    ...words.map((word) => `<${word}>`),
    ...optionalWords.map((word) => `[${word}]`),
  ].join(' ');
}
