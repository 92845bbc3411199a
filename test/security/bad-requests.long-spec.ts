import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EventStoreDBEventStore } from '@app/event-store/eventstoredb-event-store.js';
import fc from 'fast-check';
import { AccountClient, basicAuth, newCaller } from '../api/account-client.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';
import { sweep } from '../support/sweep.js';
import { generatedRequests, hazardousFields } from './generated-requests.js';
import type { ApiDescription, GeneratedRequest } from './generated-requests.js';

const SEED = Number(process.env['FUZZ_SEED'] ?? '20261122');
/** Generated at a time, while others are being answered. */
const BATCH = 40;
const LANES = 16;
/** A run goes on after a finding, so that a long one reports all that it found. */
const MOST_FINDINGS = 2_000;
const MOST_SHOWN = 20;
const REPORT_EVERY = 100_000;
const SLOWEST_MS = 1_000;
/** Answers to requests that were refused without a look at the account: they must leave no event. */
const REFUSED = new Set([
  400, 401, 403, 404, 405, 408, 412, 413, 414, 415, 416, 417, 421, 429, 431,
]);

interface Answered {
  readonly status: number;
  readonly requestId: string;
  readonly text: string;
  readonly milliseconds: number;
}

/** Sends so many requests that are made from our own description and spoiled; `npm run fuzz` sets the seed. */
function describeBadRequests(count: number): void {
  describe(`${count} requests generated from our own description of the API`, () => {
    let product: Product;
    let agent: Agent;
    let hazards: GeneratedRequest[];
    let requests: fc.Arbitrary<GeneratedRequest>;

    beforeAll(async () => {
      // Waiting for beats would only make the test slower.
      product = await startProduct({ api: { ANSWER_BEAT_MS: '0' } });
      agent = new Agent({ keepAlive: true, maxSockets: LANES });
      const client = new AccountClient(product.endpoints.api);
      const caller = newCaller();
      expect((await client.register(caller)).status).toBe(202);
      const { body } = await client.call('/openapi.json');
      const description = body as unknown as ApiDescription;
      hazards = hazardousFields(description, basicAuth(caller));
      requests = generatedRequests(description, basicAuth(caller));
    });
    afterAll(async () => {
      agent.destroy();
      await product.stop();
    });

    function* allRequests(): Generator<GeneratedRequest, void, void> {
      yield* hazards;
      for (let made = 0; made < count; made += BATCH) {
        const numRuns = Math.min(BATCH, count - made);
        yield* fc.sample(requests, { numRuns, seed: SEED + made });
      }
    }

    function send({ method, path, headers, body }: GeneratedRequest): Promise<Answered> {
      return new Promise((resolve, reject) => {
        const startedAt = performance.now();
        const { hostname, port } = new URL(product.endpoints.api);
        const length = body && { 'Content-Length': String(body.length) };
        const call = request(
          { agent, hostname, port, method, path, headers: { ...headers, ...length } },
          (answer) => {
            const chunks: Buffer[] = [];
            answer.on('data', (chunk: Buffer) => chunks.push(chunk));
            answer.on('error', reject);
            answer.on('end', () =>
              resolve({
                status: answer.statusCode ?? 0,
                requestId: String(answer.headers['x-request-id']),
                text: Buffer.concat(chunks).toString(),
                milliseconds: performance.now() - startedAt,
              }),
            );
          },
        );
        call.on('error', reject);
        call.end(body);
      });
    }

    /** A server may close a connection just when the next request is written to it: that one is sent again. */
    async function sendAgain(generated: GeneratedRequest): Promise<Answered> {
      try {
        return await send(generated);
      } catch (error) {
        if (!/ECONNRESET|EPIPE|socket hang up/.test(String(error))) {
          throw new Error(`no answer to ${JSON.stringify(generated).slice(0, 1_000)}`, {
            cause: error,
          });
        }
        return send(generated);
      }
    }

    it(
      'are answered without a fault of ours, a stack trace, or an event for what was refused',
      async () => {
        const statuses = new Map<number, number>();
        const refused = new Set<string>();
        let slowest = 0;
        let done = 0;
        const findings: string[] = [];
        const slow: GeneratedRequest[] = [];
        const queue = allRequests();
        const lane = async () => {
          for (let next = queue.next(); !next.done; next = queue.next()) {
            const generated = next.value;
            const answered = await sendAgain(generated);
            const { status, requestId, text, milliseconds } = answered;
            const tellsInternals = status >= 400 && /\n\s+at |node_modules|\.[jt]s:\d+/.test(text);
            const isSlow = milliseconds >= SLOWEST_MS;
            if (isSlow) slow.push(generated);
            // After a wait it may be the database's time-out, which the machine is to blame for: asked again.
            const isFault = status >= 500 && !(status === 503 && isSlow);
            if (isFault || tellsInternals) findings.push(described(generated, answered));
            if (findings.length + slow.length >= MOST_FINDINGS) return;
            if (REFUSED.has(status)) refused.add(requestId);
            statuses.set(status, (statuses.get(status) ?? 0) + 1);
            slowest = Math.max(slowest, milliseconds);
            done += 1;
            if (done % REPORT_EVERY === 0) {
              const soFar = `${findings.length} findings, ${slow.length} slow`;
              process.stderr.write(`${done} of ${count}: ${soFar}, ${refused.size} refused\n`);
            }
          }
        };
        await Promise.all(Array.from({ length: LANES }, lane));
        // What a request causes by itself it causes again when nothing else is under way; a busy machine is not.
        for (const generated of slow) {
          const again = await sendAgain(generated);
          if (again.milliseconds >= SLOWEST_MS || again.status >= 500)
            findings.push(described(generated, again));
        }
        expect(findings.slice(0, MOST_SHOWN)).toEqual([]);
        expect(done).toBe(hazards.length + count);
        const events = await eventsOf(refused);
        process.stderr.write(
          `\n${done} requests, seed ${SEED}: ${[...statuses]
            .sort()
            .map(([status, times]) => `${times} x ${status}`)
            .join(', ')}; ` +
            `slowest ${Math.round(slowest)} ms, ${slow.length} of them slow but not again; ${refused.size} refused, ${events.length} events of those\n`,
        );
        expect(events).toEqual([]);
        // They got everywhere, not only to the first check.
        for (const status of [200, 202, 400, 401, 404, 405, 415])
          expect([...statuses.keys()]).toContain(status);
      },
      Math.max(300_000, count * 5),
    );

    function described(
      generated: GeneratedRequest,
      { status, milliseconds, text }: Answered,
    ): string {
      const body = generated.body?.toString('latin1').slice(0, 500);
      const request = JSON.stringify({ ...generated, body });
      return `${status} in ${Math.round(milliseconds)} ms for ${request}: ${text.slice(0, 300)}`;
    }

    /** The events in the log that came from one of these requests. */
    async function eventsOf(requestIds: ReadonlySet<string>): Promise<unknown[]> {
      const store = new EventStoreDBEventStore({ url: product.endpoints.eventstore });
      const found: unknown[] = [];
      const stop = new AbortController();
      const messages = store.subscribeToAll({
        after: 'start',
        streamNamePrefixes: ['account-'],
        signal: stop.signal,
      });
      let all = 0;
      for await (const message of messages) {
        if (message.kind === 'event') {
          all += 1;
          const { type, metadata } = message.event;
          if (requestIds.has(String(metadata.$correlationId))) found.push({ type, metadata });
        }
        if (message.kind === 'caught-up') stop.abort();
      }
      await store.close();
      expect(all).toBeGreaterThan(1);
      return found;
    }
  });
}

/** `npm run fuzz -- --runs 1000000` sets another number. */
describeBadRequests(Number(process.env['FUZZ_RUNS'] ?? sweep(1_000, 20_000)));
