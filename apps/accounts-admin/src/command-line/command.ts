import type { Database } from '@app/postgres';
import type { Environment } from '@app/process';
import type { AdminClient, Json, QueryValues } from './admin-client.js';
import type { ProgressOutput } from './progress-bar.js';
import { listOf, nextPage, tableOf, textOf } from './table.js';
import type { TableColumn } from './table.js';

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

/** Where a command is typed, and what it reaches from there. */
export interface Terminal {
  /** How the program was called; for help. */
  readonly program: string;
  readonly env: Environment;
  readonly access: () => Promise<EventStoreAccess>;
  /** The caller closes it. */
  readonly connectDatabase: (url: string) => Promise<Database>;
  readonly out: ProgressOutput;
  readonly err: ProgressOutput;
  /** Undefined without a terminal. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
}

/** What a command may use. */
export interface CommandRun {
  readonly client: AdminClient;
  readonly terminal: Terminal;
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

/** A path with the words of the command line in the places of their names, as in `/accounts/{id}`. */
export function pathOf(run: CommandRun, pattern: string): string {
  return pattern.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(run.text(name) ?? ''),
  );
}

/** The options that the API calls by the same names. */
export function optionsOf(run: CommandRun, ...names: readonly string[]): QueryValues {
  return Object.fromEntries(names.map((name) => [name, run.text(name)]));
}

/**
 * A command that makes one call and shows its answer.
 *
 * @param route method and path, as in `GET /accounts/{id}`
 */
export function showAnswer(
  route: `${'GET' | 'POST' | 'DELETE'} ${string}`,
  forPeople: (answer: Json) => string,
  queryOf: (run: CommandRun) => QueryValues = () => ({}),
  bodyOf: (run: CommandRun) => Json | undefined = () => undefined,
): Command['run'] {
  const [method = '', pattern = ''] = route.split(' ');
  return async (run) => {
    const answer = await run.client.call(method, pathOf(run, pattern), queryOf(run), bodyOf(run));
    run.show(answer, () => forPeople(answer));
  };
}

/** A page of the rows in a member of the answer. */
export function pageFor(member: string, columns: readonly TableColumn<Json>[]) {
  return (answer: Json) => tableOf(rowsOf(answer, member), columns) + nextPage(answer);
}

/** What the answer says was done. */
export function messageFor({ message }: Json): string {
  return textOf(message);
}

/** Every member of the answer. */
export function membersFor(answer: Json): string {
  return listOf(Object.entries(answer));
}
