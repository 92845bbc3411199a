import * as z from 'zod';
import type { Metadata } from '@grpc/grpc-js';
import {
  accessDenied,
  commitTimeout,
  notLeader,
  notReady,
  wrongCredentials,
} from '../grpc/rpc-errors.js';
import type { RpcError } from '../grpc/rpc-errors.js';

/** Names of the protocol's methods, as faults are limited to them. */
export const METHODS = ['read', 'append', 'batchAppend', 'gossip', 'supportedMethods'] as const;
export type Method = (typeof METHODS)[number];

const MAX_DELAY_MS = 600_000;
const node = z.strictObject({ host: z.string().min(1), port: z.int().min(1).max(65_535) });

/** What a test can switch on; whatever is left out is off. */
export const faultsSchema = z.strictObject({
  /** Only these methods misbehave; all when left out. */
  methods: z.array(z.enum(METHODS)).optional(),
  /** Calls fail with UNAVAILABLE before anything is done. */
  unavailable: z.boolean().default(false),
  /** The server is there, but serves nothing yet or any more: gossip says so. */
  notReady: z.boolean().default(false),
  /** Calls fail with `not-leader`, naming this node as the leader. */
  notLeader: node.optional(),
  /** Work is done at once, but its answer comes so much later. */
  delayAnswersMs: z.int().min(0).max(MAX_DELAY_MS).default(0),
  /** So many answers are lost after the work was done and is durable. */
  loseAnswers: z
    .strictObject({
      count: z.int().min(1),
      /** The client hears nothing at all, or sees its call fail: with UNAVAILABLE, or as during an election. */
      how: z.enum(['silence', 'error', 'commit-timeout']).default('error'),
    })
    .optional(),
  /** Connections stay open, but nothing is taken up and nothing is answered. */
  frozen: z.boolean().default(false),
  /** Passwords by user: everybody else is refused, as by a node with access control. */
  users: z.record(z.string(), z.string()).optional(),
  /** Whom gossip names as the nodes of a cluster, with the leader first; this node alone when left out. */
  cluster: z.array(node).min(1).optional(),
});

export type Faults = z.infer<typeof faultsSchema>;

const NONE: Faults = faultsSchema.parse({});

/** A call, as far as it says who calls. */
export interface AuthorizedCall {
  readonly metadata: Metadata;
}

/** The faults that are switched on, and what they mean for a call. */
export class FaultSwitches {
  private faults = NONE;
  private answersToLose = 0;
  private isStartingOrStopping = false;
  private readonly thawListeners: (() => void)[] = [];

  constructor(private readonly onChange: (faults: Faults) => void) {}

  get current(): Faults {
    return this.faults;
  }

  get isNotReady(): boolean {
    return this.isStartingOrStopping || this.faults.notReady;
  }

  /** Makes the server as one that is just starting or stopping, whatever the switches say. */
  setReady(isReady: boolean): void {
    this.isStartingOrStopping = !isReady;
  }

  set(faults: Faults): void {
    this.faults = faults;
    this.answersToLose = faults.loseAnswers?.count ?? 0;
    this.onChange(faults);
    if (!faults.frozen) for (const listener of this.thawListeners.splice(0)) listener();
  }

  /** Begins a call, refuses it, or puts it off until the server is no longer frozen. */
  admit(
    method: Method,
    { metadata }: AuthorizedCall,
    begin: () => void,
    refuse: (error: RpcError) => void,
  ): void {
    if (this.isNotReady && (method === 'read' || method === 'append')) return refuse(notReady());
    if (!this.concerns(method)) return begin();
    if (this.faults.frozen) {
      this.thawListeners.push(() => this.admit(method, { metadata }, begin, refuse));
      return;
    }
    const refusal = this.refusalOf(method, metadata);
    if (refusal !== undefined) return refuse(refusal);
    if (this.faults.unavailable) return refuse(notReady());
    if (this.faults.notLeader !== undefined) return refuse(notLeader(this.faults.notLeader));
    begin();
  }

  /**
   * Lets an answer out, at once or later, or loses it.
   *
   * @param fail ends the call
   * @param timeOut answers that the commit took too long
   */
  answer(
    method: Method,
    send: () => void,
    fail: (error: RpcError) => void,
    timeOut = () => fail(commitTimeout()),
  ): void {
    if (!this.concerns(method)) return send();
    if (this.faults.frozen) {
      this.thawListeners.push(() => this.answer(method, send, fail, timeOut));
      return;
    }
    if (this.answersToLose > 0 && this.faults.loseAnswers !== undefined) {
      this.answersToLose -= 1;
      if (this.faults.loseAnswers.how === 'error') fail(notReady());
      if (this.faults.loseAnswers.how === 'commit-timeout') timeOut();
      return;
    }
    if (this.faults.delayAnswersMs > 0) setTimeout(send, this.faults.delayAnswersMs);
    else send();
  }

  private refusalOf(method: Method, metadata: Metadata): RpcError | undefined {
    const { users } = this.faults;
    if (users === undefined || method === 'gossip' || method === 'supportedMethods')
      return undefined;
    const [authorization] = metadata.get('authorization');
    if (authorization === undefined) return accessDenied();
    const isKnown = Object.entries(users).some(
      (credentials) => authorization === `Basic ${btoa(credentials.join(':'))}`,
    );
    return isKnown ? undefined : wrongCredentials();
  }

  private concerns(method: Method): boolean {
    const { faults } = this;
    return faults !== NONE && (faults.methods?.includes(method) ?? true);
  }
}
