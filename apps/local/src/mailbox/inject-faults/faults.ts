import * as z from 'zod';
import { recipientKey } from '../keep-emails/email.js';
import { ProviderError } from '../provider-error.js';

const count = z.int().min(0).max(1_000_000);
const latency = z.int().min(0).max(60_000).default(0);
const answer = {
  status: z.int().min(400).max(599),
  retryAfterSeconds: z.int().min(0).max(86_400).optional(),
};

export const faultSwitches = z.strictObject({
  /** How long each request waits before anything else happens. */
  latencyMs: latency,
  failNext: z.strictObject({ ...answer, count: count.default(1) }).optional(),
  failAlways: z.strictObject(answer).optional(),
  recipients: z
    .array(
      z.strictObject({
        to: z.string().min(1),
        latencyMs: latency,
        hang: z.boolean().default(false),
        fail: z.strictObject(answer).optional(),
      }),
    )
    .default([]),
  /** So many connections are cut instead of answered, after the message was kept. */
  dropAfterAccept: count.default(0),
  /** So many requests are never answered. */
  hang: count.default(0),
  /** So many messages are delivered twice. */
  duplicate: count.default(0),
});

/** How the mailbox misbehaves; the counts go down as they are used up. See README.md. */
export type MailboxFaultSwitches = z.infer<typeof faultSwitches>;

const addressed = z.object({ to: z.union([z.string(), z.array(z.string())]) });

/** The switches as they stand, and their use one request at a time. */
export class MailboxFaults {
  #switches: MailboxFaultSwitches = faultSwitches.parse({});

  get switches(): MailboxFaultSwitches {
    return this.#switches;
  }

  /** Replaces every switch; those not named go back to normal. */
  set(switches: MailboxFaultSwitches): void {
    this.#switches = structuredClone(switches);
  }

  /** The failure that this request has to meet, if any. */
  takeFailure(): ProviderError | undefined {
    const { failNext, failAlways } = this.#switches;
    if (failNext && failNext.count > 0) {
      failNext.count -= 1;
      return failureOf(failNext);
    }
    return failAlways && failureOf(failAlways);
  }

  /** What a mail to one of its recipients has to meet: a wait in milliseconds, silence, a failure. */
  faultsFor(body: unknown): { latencyMs: number; hang: boolean; failure?: ProviderError } {
    const { data } = addressed.safeParse(body);
    const meant = new Set([data?.to ?? []].flat().map(recipientKey));
    const faults = this.#switches.recipients.filter(({ to }) => meant.has(recipientKey(to)));
    const fail = faults.find((fault) => fault.fail)?.fail;
    return {
      latencyMs: Math.max(0, ...faults.map(({ latencyMs }) => latencyMs)),
      hang: faults.some(({ hang }) => hang),
      ...(fail && { failure: failureOf(fail) }),
    };
  }

  /** Whether this request is one of those that the switch counts. */
  take(name: 'hang' | 'dropAfterAccept' | 'duplicate'): boolean {
    if (this.#switches[name] === 0) return false;
    this.#switches[name] -= 1;
    return true;
  }
}

function failureOf(fault: { status: number; retryAfterSeconds?: number | undefined }) {
  return new ProviderError(fault.status, 'This failure was asked for with a fault switch.', fault);
}
