import type { ParseArgsConfig } from 'node:util';
import type { AdminClient, Json } from './admin-client.js';
import type { ProgressOutput } from './progress-bar.js';

export type OptionValues = Readonly<
  Record<string, string | boolean | readonly string[] | undefined>
>;

/** What a command may use. */
export interface CommandRun {
  readonly client: AdminClient;
  /** The words after the command's name. */
  readonly words: readonly string[];
  readonly options: OptionValues;
  readonly progress: ProgressOutput;
  /** The value of an option that takes text. */
  text(option: string): string | undefined;
  flag(option: string): boolean;
  /** The answer: as JSON where that was asked for, otherwise what `forPeople` makes of it. */
  show(answer: unknown, forPeople: () => string): void;
  /** One line of output, whatever the format. */
  line(text: string): void;
  readonly wantsJson: boolean;
  /** Asks on the terminal, unless --yes was given. */
  confirm(question: string): Promise<boolean>;
}

export interface Command {
  /** As typed, such as `accounts list`. */
  readonly name: string;
  /** Names of the words that have to follow. */
  readonly words: readonly string[];
  /** Names of words that may follow those. */
  readonly optionalWords?: readonly string[];
  readonly summary: string;
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** What each option means, for the help. */
  readonly optionHelp: Readonly<Record<string, string>>;
  readonly examples: readonly string[];
  run(run: CommandRun): Promise<void>;
}

/** The value of a member that holds a list. */
export function rowsOf(answer: Json, member: string): readonly Json[] {
  return (answer[member] ?? []) as readonly Json[];
}

/** A path segment, whatever stands in it. */
export function segment(text: string | undefined): string {
  return encodeURIComponent(text ?? '');
}
