import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { credentials, makeClientConstructor, status } from '@grpc/grpc-js';
import type { ClientDuplexStream, ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import { ProtobufWriter } from '../../apps/local/src/event-store/protobuf/protobuf-writer.js';
import {
  GoogleEmpty,
  shared,
  streams,
  StreamsService,
} from '../../apps/local/src/event-store/protocol.js';
import type { Streams } from '../../apps/local/src/event-store/protocol.js';

const { ReadReq, AppendReq, BatchAppendReq } = streams;
const ClientOfStreams = makeClientConstructor(StreamsService, 'Streams');
const NO_ANSWER_MS = 10_000;
/** A server that ends a call does so in a few. */
const HALF_CLOSED_FOR_MS = 500;

export interface WireEvent {
  readonly id?: string;
  readonly type?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly data?: Uint8Array;
  readonly customMetadata?: Uint8Array;
}

export interface WirePosition {
  readonly commit: string;
  readonly prepare: string;
}

/** A read or a subscription, as far as requests of tests differ. */
export interface WireRead {
  /** All of them when left out. */
  readonly stream?: string;
  readonly from?: WirePosition | string;
  readonly count?: string;
  readonly subscribes?: boolean;
  readonly backwards?: boolean;
  readonly filter?: {
    readonly prefixes?: string[];
    readonly typeRegex?: string;
    readonly window?: number;
    readonly interval: number;
  };
}

/** Calls of the streams service as they are on the wire, and their answers in the words of the recorded ones. */
export class WireClient {
  private readonly client;
  private readonly open: WireSubscription[] = [];
  /** Where the last append went. */
  lastPosition: WirePosition | undefined;

  constructor(port: number) {
    this.client = new ClientOfStreams(`127.0.0.1:${port}`, credentials.createInsecure(), {
      // A connection of its own.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
    });
  }

  close(): void {
    for (const subscription of this.open) subscription.cancel();
    this.client.close();
  }

  /** Sends messages of `Append` as they are. */
  async appendMessages(messages: readonly Streams.AppendReq[]): Promise<string> {
    return new Promise((resolve) => {
      const call = this.client['append']!((error: ServiceError | null, answer: unknown) =>
        resolve(error ? errorText(error) : this.appended(answer as Streams.AppendResp)),
      ) as ClientDuplexStream<Streams.AppendReq, unknown>;
      call.on('error', () => undefined);
      for (const message of messages) call.write(message);
      call.end();
    });
  }

  private appended(answer: Streams.AppendResp): string {
    const position = answer.getSuccess()?.getPosition();
    if (position !== undefined) {
      const [commit, prepare] = [position.getCommitPosition(), position.getPreparePosition()];
      this.lastPosition = { commit, prepare };
    }
    return appendText(answer);
  }

  append(options: Streams.AppendReq.Options, events: readonly WireEvent[]): Promise<string> {
    return this.appendMessages([new AppendReq().setOptions(options), ...events.map(appendMessage)]);
  }

  /** Appends to a stream in whatever state. */
  appendTo(stream: string, events: readonly WireEvent[]): Promise<string> {
    return this.append(appendOptions(stream), events);
  }

  /** An append by a batch call of its own. @param options encoded where the client's messages lack a field */
  async batch(
    options: Streams.BatchAppendReq.Options | Uint8Array,
    events: readonly WireEvent[],
  ): Promise<string> {
    const call = this.openBatchCall();
    const answer = new Promise<string>((resolve) => {
      call.on('data', (response: Streams.BatchAppendResp) => resolve(batchText(response)));
      call.on('error', (error: ServiceError) => resolve(errorText(error)));
      call.on('end', () => resolve('no answer'));
    });
    call.write(batchRequest(options, events));
    const given = await answer;
    call.cancel();
    return given;
  }

  /**
   * How a batch call goes on whose client ends its side.
   *
   * @param answered so many appends are answered before
   * @param due so many are sent right before
   */
  async halfClosedBatch(answered: number, due: number): Promise<string> {
    const call = this.openBatchCall();
    let answers = 0;
    let end = 'open';
    call.on('data', () => (answers += 1));
    call.on('end', () => (end = 'ended'));
    call.on('error', () => undefined);
    const send = () => call.write(batchRequest(batchOptions(randomUUID()), [{}]));
    for (let sent = 1; sent <= answered; sent += 1) {
      send();
      while (answers < sent) await pause(1);
    }
    for (let sent = 0; sent < due; sent += 1) send();
    call.end();
    await pause(HALF_CLOSED_FOR_MS);
    call.cancel();
    const all = answered + due;
    return `${answers < all ? 'some' : 'all'} answered, ${end}`;
  }

  private openBatchCall() {
    return this.client.makeBidiStreamRequest(
      StreamsService.batchAppend.path,
      (request: Buffer) => request,
      StreamsService.batchAppend.responseDeserialize,
    );
  }

  subscribe(read: WireRead): WireSubscription {
    const subscription = this.start({ ...read, subscribes: true });
    this.open.push(subscription);
    return subscription;
  }

  /** What a read delivers until it ends, or is given up after so many milliseconds. */
  async read(read: WireRead, noAnswerMs = NO_ANSWER_MS): Promise<WireSubscription> {
    const subscription = this.start({ count: '1000000', ...read });
    await Promise.race([subscription.ended, pause(noAnswerMs, undefined, { ref: false })]);
    subscription.cancel();
    return subscription;
  }

  /** What a read or a subscription delivers until it ends, or says nothing more for so many milliseconds. */
  async readUntilQuiet(read: WireRead, quietMs: number): Promise<WireSubscription> {
    const subscription = this.start({ count: '1000000', ...read });
    const { messages } = subscription;
    let isOver = false;
    void subscription.ended.then(() => (isOver = true));
    for (let seen = -1; !isOver && (messages.length === 0 || messages.length > seen);) {
      seen = messages.length;
      await Promise.race([subscription.ended, pause(quietMs, undefined, { ref: false })]);
    }
    subscription.cancel();
    return subscription;
  }

  private start(read: WireRead): WireSubscription {
    return new WireSubscription(this.client['read']!(readRequest(read)) as never);
  }
}

export interface WireMessage {
  readonly kind: 'confirmation' | 'caught-up' | 'event' | 'checkpoint' | 'not-found' | 'other';
  readonly stream?: string;
  readonly type?: string;
  readonly revision?: string;
  readonly position?: WirePosition;
}

export class WireSubscription {
  readonly messages: WireMessage[] = [];
  /** How the call ended; undefined for without an error. */
  error: string | undefined;
  /** False for a read that was given up before it ended. */
  wasAnswered = false;
  readonly ended: Promise<void>;
  private isGivenUp = false;

  constructor(private readonly call: ClientReadableStream<Streams.ReadResp>) {
    this.ended = new Promise((resolve) => {
      call.on('data', (message: Streams.ReadResp) => this.messages.push(messageOf(message)));
      call.on('error', (error: ServiceError) => {
        if (error.code !== status.CANCELLED) this.error = errorText(error);
        resolve();
      });
      call.on('end', () => resolve());
    });
    void this.ended.then(() => (this.wasAnswered = !this.isGivenUp));
  }

  cancel(): void {
    this.isGivenUp = true;
    this.call.cancel();
  }

  pause(): void {
    this.call.pause();
  }

  resume(): void {
    this.call.resume();
  }
}

function messageOf(message: Streams.ReadResp): WireMessage {
  if (message.hasConfirmation()) return { kind: 'confirmation' };
  if (message.hasCaughtUp()) return { kind: 'caught-up' };
  if (message.hasStreamNotFound()) return { kind: 'not-found' };
  const checkpoint = message.getCheckpoint();
  if (checkpoint !== undefined) {
    const [commit, prepare] = [checkpoint.getCommitPosition(), checkpoint.getPreparePosition()];
    return { kind: 'checkpoint', position: { commit, prepare } };
  }
  const event = message.getEvent()?.getEvent();
  if (event === undefined) return { kind: 'other' };
  const [commit, prepare] = [event.getCommitPosition(), event.getPreparePosition()];
  return {
    kind: 'event',
    stream: Buffer.from(event.getStreamIdentifier()!.getStreamName_asU8()).toString(),
    type: event.getMetadataMap().get('type') ?? '',
    revision: event.getStreamRevision(),
    position: { commit, prepare },
  };
}

function errorText({ code, details, metadata }: ServiceError): string {
  const [exception] = metadata.get('exception');
  return `${status[code]}: ${details}${exception ? ` [${String(exception)}]` : ''}`;
}

function appendText(answer: Streams.AppendResp): string {
  const success = answer.getSuccess();
  if (success !== undefined)
    return `ok ${success.hasNoStream() ? 'none' : success.getCurrentRevision()}`;
  return `wrong-expected(current ${answer.getWrongExpectedVersion()!.getCurrentRevision()})`;
}

function batchRequest(
  options: Streams.BatchAppendReq.Options | Uint8Array,
  events: readonly WireEvent[],
): Buffer {
  const correlation = new shared.UUID();
  correlation.setString(randomUUID());
  const request = new ProtobufWriter();
  request.reset();
  request.bytesField(1, correlation.serializeBinary());
  request.bytesField(2, options instanceof Uint8Array ? options : options.serializeBinary());
  for (const event of events)
    request.bytesField(3, proposed(event, BatchAppendReq).serializeBinary());
  request.varintField(4, 1);
  return request.copy();
}

function batchText(answer: Streams.BatchAppendResp): string {
  const success = answer.getSuccess();
  if (success !== undefined)
    return `ok ${success.hasNoStream() ? 'none' : success.getCurrentRevision()}`;
  const error = answer.getError()!;
  const details = error.getDetails()!;
  const text = `batch error ${error.getCode()} ${error.getMessage()}`;
  if (!details.getTypeUrl().endsWith('BadRequest')) return text;
  const bytes = details.getValue_asU8();
  return `${text} ${shared.BadRequest.deserializeBinary(bytes).getMessage()}`;
}

export function identifierOf(stream: string): InstanceType<typeof shared.StreamIdentifier> {
  return new shared.StreamIdentifier().setStreamName(Buffer.from(stream));
}

export function appendOptions(stream: string): Streams.AppendReq.Options {
  return new AppendReq.Options()
    .setStreamIdentifier(identifierOf(stream))
    .setAny(new shared.Empty());
}

export function appendMessage(event: WireEvent): Streams.AppendReq {
  return new AppendReq().setProposedMessage(proposed(event, AppendReq));
}

export function batchOptions(stream: string): Streams.BatchAppendReq.Options {
  const options = new BatchAppendReq.Options();
  options.setStreamIdentifier(identifierOf(stream));
  options.setAny(new GoogleEmpty());
  return options;
}

function proposed<Request extends typeof AppendReq | typeof BatchAppendReq>(
  { id = randomUUID(), type = 't', metadata, data, customMetadata }: WireEvent,
  { ProposedMessage }: Request,
): InstanceType<Request['ProposedMessage']> {
  const message = new ProposedMessage();
  if (id !== '') {
    const uuid = new shared.UUID();
    uuid.setString(id);
    message.setId(uuid);
  }
  for (const [key, value] of Object.entries(
    metadata ?? { type, 'content-type': 'application/json' },
  ))
    message.getMetadataMap().set(key, value);
  message.setData(data ?? Buffer.from('{}'));
  if (customMetadata !== undefined) message.setCustomMetadata(customMetadata);
  return message as InstanceType<Request['ProposedMessage']>;
}

function readRequest(read: WireRead): Streams.ReadReq {
  const { ReadDirection, UUIDOption, SubscriptionOptions } = ReadReq.Options;
  const options = new ReadReq.Options()
    .setReadDirection(read.backwards ? ReadDirection.BACKWARDS : ReadDirection.FORWARDS)
    .setUuidOption(new UUIDOption().setString(new shared.Empty()));
  if (read.stream === undefined) options.setAll(allOptions(read.from));
  else options.setStream(streamOptions(read.stream, read.from));
  if (read.subscribes) options.setSubscription(new SubscriptionOptions());
  else if (read.count !== '') options.setCount(read.count ?? '0');
  if (read.filter === undefined) options.setNoFilter(new shared.Empty());
  else options.setFilter(filterOptions(read.filter));
  return new ReadReq().setOptions(options);
}

function allOptions(from: WireRead['from']): Streams.ReadReq.Options.AllOptions {
  const { AllOptions, Position } = ReadReq.Options;
  const all = new AllOptions();
  if (from === 'start') all.setStart(new shared.Empty());
  else if (from === 'end') all.setEnd(new shared.Empty());
  else if (typeof from === 'object')
    all.setPosition(new Position().setCommitPosition(from.commit).setPreparePosition(from.prepare));
  return all;
}

function streamOptions(
  name: string,
  from: WireRead['from'],
): Streams.ReadReq.Options.StreamOptions {
  const stream = new ReadReq.Options.StreamOptions().setStreamIdentifier(identifierOf(name));
  if (from === 'start') stream.setStart(new shared.Empty());
  else if (from === 'end') stream.setEnd(new shared.Empty());
  else if (typeof from === 'string') stream.setRevision(from);
  return stream;
}

function filterOptions({
  prefixes,
  typeRegex,
  window,
  interval,
}: NonNullable<WireRead['filter']>): Streams.ReadReq.Options.FilterOptions {
  const { FilterOptions } = ReadReq.Options;
  const filter = new FilterOptions().setCheckpointintervalmultiplier(interval);
  const expression = new FilterOptions.Expression();
  if (typeRegex === undefined) {
    filter.setStreamIdentifier(expression.setPrefixList(prefixes ?? []));
  } else filter.setEventType(expression.setRegex(typeRegex));
  if (window === undefined) filter.setCount(new shared.Empty());
  else filter.setMax(window);
  return filter;
}
