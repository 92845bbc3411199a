import yargs from 'yargs';
import type { Argv } from 'yargs';
import { productVersion } from '../support/support-bundle/versions.js';
import type { Command } from './command.js';
import { canComplete, commonFlags, commonOptions, examplesOf, overview } from './help.js';
import type { CommandGroups } from './help.js';
import { UsageError } from './usage-error.js';

/** A command with the values of its options and words, by their names. */
export interface ParsedCommand {
  readonly command: Command;
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * What was typed after the program's name.
 *
 * @returns the command to run, or a text to show: help, the version, a script for the shell
 * @throws UsageError with what may have been meant
 */
export function parseCommandLine(
  words: readonly string[],
  program: string,
  groups: CommandGroups,
): ParsedCommand | string {
  if (words.every((word) => word === '--help' || word === 'help')) return overview(program, groups);
  let result: ParsedCommand | string = '';
  let isWrong = false;
  const add = (parser: Argv, command: Command, word: string) =>
    parser.command(
      `${word} ${command.words ?? ''}`.trimEnd(),
      command.summary,
      (own) => {
        withOptions(own, command);
        for (const example of examplesOf(program, command)) own.example(example, '');
      },
      (values) => void (result = { command, values }),
    );
  const parser = yargs([...words])
    .scriptName(program)
    .version(productVersion())
    .locale('en')
    .exitProcess(false)
    .wrap(null)
    .strict()
    .recommendCommands()
    .showHelpOnFail(false)
    .demandCommand(1, 'Which command?')
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'parse-numbers': false,
    });
  if (canComplete(program)) parser.completion('completion', 'A script by which a shell completes');
  withOptions(parser, { options: commonOptions, flags: commonFlags });
  for (const [title, commands] of Object.entries(groups)) {
    const parents = new Map<string, Command[]>();
    for (const command of commands) {
      const [first = '', second] = command.name.split(' ');
      if (second === undefined) add(parser, command, first);
      else parents.set(first, [...(parents.get(first) ?? []), command]);
    }
    for (const [first, children] of parents) {
      parser.command(first, title, (parent) => {
        parent.demandCommand(1, 'Which command?');
        for (const child of children) add(parent, child, child.name.slice(first.length + 1));
      });
    }
  }
  void parser.parse([...words], {}, (error: unknown, _: unknown, text: string) => {
    isWrong = Boolean(error);
    if (text) result = text;
  });
  if (isWrong) throw new UsageError(`${String(result)}\nHelp: ${program} --help`);
  return result;
}

function withOptions(
  parser: Argv,
  { options = {}, flags = {} }: Pick<Command, 'options' | 'flags'>,
): void {
  for (const [name, describe] of Object.entries(options)) {
    parser.option(name, { type: 'string', requiresArg: true, describe });
  }
  for (const [name, describe] of Object.entries(flags)) {
    parser.option(name, { type: 'boolean', describe });
  }
}
