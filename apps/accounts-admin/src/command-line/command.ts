import type { Database } from '@app/postgres';
import type { Environment } from '@app/process';
import type { AdminClient, Json } from './admin-client.js';
import type { ProgressOutput } from './progress-bar.js';

/** Users and rights of the event store. */
export interface EventStoreAccess {
  /** What `prepareAccess` does, in sentences. */
  readonly ACCESS_PLAN: readonly string[];
  prepareAccess(options: {
    readonly url: string;
    readonly productPassword: string;
    readonly auditorPassword: string;
    readonly say: (text: string) => void;
  }): Promise<void>;
}

/** What a command may use. */
export interface CommandRun {
  readonly client: AdminClient;
  access(): Promise<EventStoreAccess>;
  /** The caller closes it. */
  connectDatabase(url: string): Promise<Database>;
  readonly env: Environment;
  readonly progress: ProgressOutput;
  /** The value of an option, or the word after the command, by its name; the last of several. */
  text(name: string): string | undefined;
  /** All values of an option that can be given several times. */
  texts(option: string): readonly string[];
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
  /** What follows the name, such as `<name> [position]`: one in brackets may be left out. */
  readonly words?: string;
  readonly summary: string;
  /** Options that take a value, with what they mean. */
  readonly options?: Readonly<Record<string, string>>;
  /** Options that take none. */
  readonly flags?: Readonly<Record<string, string>>;
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
