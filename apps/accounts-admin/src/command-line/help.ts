import type { Command } from './command.js';

/** Commands that belong together, by what they are about. */
export type CommandGroups = Readonly<Record<string, readonly Command[]>>;

export const commonFlags = {
  json: 'the answer as JSON, for machines',
  yes: 'do not ask before something that cannot be taken back',
} as const;

export const commonOptions = {
  url: 'where the admin API is; otherwise ADMIN_URL, or the product that runs in DATA_DIR (.data)',
} as const;

/** All commands, in groups. */
export function overview(program: string, groups: CommandGroups): string {
  const others = { ...commonFlags, ...commonOptions, version: 'version of the product' };
  const width = Math.max(
    ...Object.values(groups)
      .flat()
      .map((one) => usageOf(one).length),
  );
  const row = (left: string, right: string) => `  ${left.padEnd(width)}  ${right}`;
  return [
    `Usage: ${program} <command> [options]`,
    ...Object.entries(groups).flatMap(([title, commands]) => [
      '',
      `${title}:`,
      ...commands.map((command) => row(usageOf(command), command.summary)),
    ]),
    '',
    'Options of every command:',
    ...Object.entries(others).map(([name, meaning]) => row(`--${name}`, meaning)),
    row('--help', 'help on the command, with examples'),
    '',
    'The key is ADMIN_KEY, or the content of the file ADMIN_KEY_FILE, or the one in the data folder.',
    'Exit codes: 0 done, 1 refused or failed, 2 the command line is wrong, 3 no process answers.',
    ...(canComplete(program)
      ? [`For completion in the shell: ${program} completion >> ~/.bashrc`]
      : []),
  ].join('\n');
}

/** Lines that a shell runs as they are. */
export function examplesOf(program: string, { name, examples }: Command): readonly string[] {
  return examples.map((example) => (example.startsWith(name) ? `${program} ${example}` : example));
}

/** A shell completes the words after a program, not those after a script of npm. */
export function canComplete(program: string): boolean {
  return !program.includes(' ');
}

function usageOf({ name, words }: Command): string {
  return words ? `${name} ${words}` : name;
}
