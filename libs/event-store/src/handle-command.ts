import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { inSpan, keptSpan, traceparent } from '@app/tracing';
import { linked } from './event-chain.js';
import type { EventCodec, NewestEvents } from './event-codec.js';
import { WrongExpectedRevision } from './event-store.js';
import type { AppendResult, EventMetadata, NewEvent, RequestClient } from './event-store.js';
import { loadStream } from './load-stream.js';
import type { LoadedStream, StreamBehaviour } from './load-stream.js';

/** Who asks, from where and as part of what; becomes the metadata of every event appended. */
export interface CommandContext extends Omit<
  EventMetadata,
  'schemaVersion' | 'chain' | 'client' | 'traceparent'
> {
  readonly client?: RequestClient | undefined;
}

export interface Decision<Event, State> {
  /** The facts that were appended; empty when the command changed nothing. */
  readonly events: readonly Event[];
  /** The state after those facts. */
  readonly state: State;
  /** Where the last fact of this decision stands; undefined when nothing was appended. */
  readonly appended: AppendResult | undefined;
}

/** Other writers were faster at every attempt. Nothing was appended; asking again is safe. */
export class TooMuchContention extends Error {
  constructor(streamName: string, attempts: number) {
    super(`stream ${streamName} changed under each of ${attempts} attempts`);
    this.name = 'TooMuchContention';
  }
}

const MAX_ATTEMPTS = 30;
const LONGEST_PAUSE_MS = 50;

/**
 * Loads the stream, lets the decider decide, and appends at exactly the revision that was read. When
 * another appender was faster, loads and decides again.
 *
 * Commands for one stream take turns within a process, so that it never races with itself, and those that
 * wait share what is read: of many at the same time, each that appends costs a read and an append, and all
 * that append nothing cost one read together.
 *
 * @param behaviour the same object for all commands that are to take turns
 * @param toCommand builds the command, given the state it will be decided against: what a command
 *   derives from a secret depends on the stream
 * @param loaded what `loadStream` gave a moment ago, which saves a read. For decisions that append something:
 *   these notice by the revision what was appended meanwhile, and load the stream again
 * @throws whatever `decide` throws (nothing is appended then), TooMuchContention, EventStoreUnavailable
 *   (the outcome is unknown), UnknownEvent
 */
export function handleCommand<Command, Event, State>(
  behaviour: StreamBehaviour<Command, Event, State>,
  streamName: string,
  toCommand: (state: State) => Command,
  context: CommandContext,
  loaded?: LoadedStream<State>,
): Promise<Decision<Event, State>> {
  return inSpan('command', { correlationId: context.$correlationId }, (span) => {
    const toNamedCommand = (state: State) => {
      const command = toCommand(state);
      span.updateName(`command ${nameOf(command)}`);
      return command;
    };
    return new Promise((resolve, reject) => {
      queuesOf(behaviour).add(streamName, {
        toCommand: toNamedCommand,
        // The queue works in the span of the command that found it empty.
        inItsSpan: keptSpan(),
        context,
        loaded,
        lostRaces: 0,
        resolve,
        reject,
      });
    });
  });
}

function nameOf(command: unknown): string {
  const isNamed = typeof command === 'object' && command !== null && 'type' in command;
  return isNamed ? String(command.type) : '';
}

const queues = new WeakMap<object, unknown>();

function queuesOf<Command, Event, State>(
  behaviour: StreamBehaviour<Command, Event, State>,
): CommandQueues<Command, Event, State> {
  const known = queues.get(behaviour) as CommandQueues<Command, Event, State> | undefined;
  if (known) return known;
  const made = new CommandQueues(behaviour);
  queues.set(behaviour, made);
  return made;
}

/** A command whose caller waits for the outcome. */
interface PendingCommand<Command, Event, State> {
  readonly toCommand: (state: State) => Command;
  inItsSpan<Result>(work: () => Result): Result;
  readonly context: CommandContext;
  /** What the caller has read; worthless once a race was lost. */
  loaded: LoadedStream<State> | undefined;
  lostRaces: number;
  resolve(decision: Decision<Event, State>): void;
  reject(reason: unknown): void;
}

/** The commands of one process that are under way, a queue for each stream. */
class CommandQueues<Command, Event, State> {
  private readonly queues = new Map<string, PendingCommand<Command, Event, State>[]>();

  constructor(private readonly behaviour: StreamBehaviour<Command, Event, State>) {}

  add(streamName: string, command: PendingCommand<Command, Event, State>): void {
    const queue = this.queues.get(streamName);
    if (queue) queue.push(command);
    else void this.work(streamName, [command]);
  }

  private async work(
    streamName: string,
    queue: PendingCommand<Command, Event, State>[],
  ): Promise<void> {
    this.queues.set(streamName, queue);
    while (queue.length > 0) {
      // A command that arrives during the read must not be decided on what was read.
      const present = queue.splice(0);
      queue.unshift(...(await this.decide(streamName, present)));
    }
    this.queues.delete(streamName);
  }

  /** Decides up to and including the first command that appends; answers those that need another read. */
  private async decide(
    streamName: string,
    present: readonly PendingCommand<Command, Event, State>[],
  ): Promise<readonly PendingCommand<Command, Event, State>[]> {
    const { decider } = this.behaviour;
    let history: LoadedStream<State>;
    try {
      // One caller's earlier read may be too old for the other commands.
      const loaded = present.length === 1 ? present[0]?.loaded : undefined;
      history = loaded ?? (await loadStream(this.behaviour, streamName));
    } catch (error) {
      for (const { reject } of present) reject(error);
      return [];
    }
    const { state } = history;
    for (const [index, command] of present.entries()) {
      let events: readonly Event[];
      try {
        events = decider.decide(command.toCommand(state), state);
      } catch (error) {
        command.reject(error);
        continue;
      }
      if (events.length > 0) {
        const isSettled = await this.append(streamName, history, events, command);
        return present.slice(isSettled ? index + 1 : index);
      }
      command.resolve({ events, state, appended: undefined });
    }
    return [];
  }

  /** Whether the command is settled; when not, another appender was first. */
  private async append(
    streamName: string,
    history: LoadedStream<State>,
    events: readonly Event[],
    command: PendingCommand<Command, Event, State>,
  ): Promise<boolean> {
    const { store, codec, decider } = this.behaviour;
    const { context } = command;
    const { state } = history;
    const appendEvents = async () => {
      const encoded = await toNewEvents(codec, streamName, events, history.newest, context);
      const newEvents = linked(streamName, history, encoded);
      if (!isNotEmpty(newEvents)) throw new Error('the codec encoded no event');
      return store.append(streamName, history.revision, newEvents);
    };
    try {
      const appended = await command.inItsSpan(() => inSpan('append', {}, appendEvents));
      command.resolve({ events, state: events.reduce(decider.evolve, state), appended });
      return true;
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) {
        command.reject(error);
        return true;
      }
    }
    command.lostRaces += 1;
    command.loaded = undefined;
    if (command.lostRaces >= MAX_ATTEMPTS) {
      command.reject(new TooMuchContention(streamName, MAX_ATTEMPTS));
      return true;
    }
    // Rivals in other processes that lost together would meet again without the jitter.
    await pause(Math.random() * Math.min(LONGEST_PAUSE_MS, 2 * command.lostRaces));
    return false;
  }
}

async function toNewEvents<Event>(
  codec: EventCodec<Event>,
  streamName: string,
  events: readonly Event[],
  newest: NewestEvents,
  { client: requestClient, ...context }: CommandContext,
): Promise<readonly NewEvent[]> {
  const stored = await codec.encode(streamName, events, { newest, client: requestClient });
  const parent = traceparent();
  return stored.map(({ type, schemaVersion, data, client }) => ({
    id: randomUUID(),
    type,
    data,
    metadata: {
      schemaVersion,
      ...context,
      ...(client !== undefined && { client }),
      ...(parent !== undefined && { traceparent: parent }),
    },
  }));
}

function isNotEmpty<T>(items: readonly T[]): items is readonly [T, ...T[]] {
  return items.length > 0;
}
