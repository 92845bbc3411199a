import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { sweep } from '../support/sweep.js';
import { AddressClasses } from './address-classes.js';
import { pathRequests } from './generated-paths.js';
import type { PathRequest } from './generated-paths.js';

const SEED = 20_261_129;
const LANES = 8;
/** Generated at a time, while others are being answered. */
const BATCH = 200;
const MOST_FINDINGS = 20;

interface Answered {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** Sends so many requests with any path to each HTTP service of ours, and expects no failure of it. */
function describeAnyPath(runs: number): void {
  describe(`${runs} requests with any path`, () => {
    let parts: AddressClasses;
    let agent: Agent;

    beforeAll(async () => {
      parts = await AddressClasses.start();
      agent = new Agent({ keepAlive: true, maxSockets: LANES });
    }, 60_000);
    afterAll(async () => {
      agent.destroy();
      await parts.stop();
    });

    it(
      'are answered by the API with problems of their kind',
      () =>
        expectProblems(
          parts.product.endpoints.api,
          [
            '/docs',
            '/docs',
            '/problems',
            '/openapi.json',
            '/v1/accounts',
            '/v1/account/activation',
          ],
          isProblem,
        ),
      limitOf(runs),
    );

    it(
      'are answered by the admin API with problems of their kind, with a key and without',
      async () => {
        const known = [
          ...['accounts', 'activation-mails', 'keys', 'statistics', 'projections'],
          'failed-events',
          'accounts/0b8f7c1e-5a2d-8e3f-9b4a-6c7d8e9f0a1b',
        ];
        const paths = ['/admin/docs', '/problems', ...known.map((name) => `/admin/v1/${name}`)];
        const url = parts.admin.url('admin');
        await expectProblems(url, paths, isProblem);
        // With the key nothing is changed: it would be an operator's own fault.
        const authorization = { Authorization: `Bearer ${parts.adminKey}` };
        await expectProblems(url, paths, isProblem, authorization, ({ method }) =>
          ['GET', 'HEAD'].includes(method),
        );
      },
      2 * limitOf(runs),
    );

    it(
      'are answered by the mailbox with errors of a provider',
      () =>
        expectProblems(
          parts.product.endpoints.mailbox,
          ['/emails', '/emails/0b8f7c1e-5a2d-4e3f-9b4a-6c7d8e9f0a1b', '/inbox', '/health'],
          isProviderError,
          {},
          // Its connections are node's own affair: what is no HTTP gets node's answer.
          ({ path }) => !/[^!-~]/.test(path),
        ),
      limitOf(runs),
    );

    it('leave no fault in any log', () => {
      const { product, admin } = parts;
      for (const app of [product.api, admin, product.mailbox]) {
        const faults = app
          .output()
          .split('\n')
          .filter((line) => /"level":"?(50|60|error|fatal)"?/.test(line));
        expect(faults.slice(0, 3)).toEqual([]);
      }
    });

    async function expectProblems(
      url: string,
      known: readonly string[],
      isOfItsKind: (answered: Answered) => boolean,
      headers: Readonly<Record<string, string>> = {},
      takes: (generated: PathRequest) => boolean = () => true,
    ): Promise<void> {
      const findings: string[] = [];
      const statuses = new Map<number, number>();
      const queue = generated(known, headers);
      const lane = async () => {
        for (let next = queue.next(); !next.done; next = queue.next()) {
          if (!takes(next.value)) continue;
          const answered = await sendAgain(url, next.value);
          const { status, text } = answered;
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          const tellsInternals = status >= 400 && /\n\s+at |node_modules|\.[jt]s:\d+/.test(text);
          const isRight = status < 400 || next.value.method === 'HEAD' || isOfItsKind(answered);
          if (status >= 500 || tellsInternals || !isRight) {
            findings.push(`${status} to ${JSON.stringify(next.value)}: ${text}`.slice(0, 500));
          }
          if (findings.length >= MOST_FINDINGS) return;
        }
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      expect(findings).toEqual([]);
      // They got to what is there and to what is not.
      for (const status of [404, 200]) expect([...statuses.keys()]).toContain(status);
    }

    function* generated(
      known: readonly string[],
      headers: Readonly<Record<string, string>>,
    ): Generator<PathRequest, void, void> {
      const requests = pathRequests(known, headers);
      for (let made = 0; made < runs; made += BATCH) {
        const numRuns = Math.min(BATCH, runs - made);
        yield* fc.sample(requests, { numRuns, seed: SEED + made });
      }
    }

    /** A server may close a connection just when the next request is written to it: that one is sent again. */
    async function sendAgain(url: string, generated: PathRequest): Promise<Answered> {
      try {
        return await send(url, generated);
      } catch (error) {
        if (!/ECONNRESET|EPIPE|socket hang up/.test(String((error as Error).cause))) throw error;
        return send(url, generated);
      }
    }

    function send(url: string, { method, path, headers }: PathRequest): Promise<Answered> {
      return new Promise((resolve, reject) => {
        const { hostname, port } = new URL(url);
        const call = request({ agent, hostname, port, method, path, headers }, (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('error', reject);
          answer.on('end', () =>
            resolve({
              status: answer.statusCode ?? 0,
              type: String(answer.headers['content-type']),
              text: Buffer.concat(chunks).toString(),
            }),
          );
        });
        call.on('error', (cause) => {
          const what = `no answer to ${method} ${path}`.slice(0, 500);
          reject(new Error(what, { cause }));
        });
        call.end();
      });
    }
  });
}

function limitOf(runs: number): number {
  return Math.max(60_000, runs * 10);
}

function isProblem({ status, type, text }: Answered): boolean {
  if (type !== 'application/problem+json') return false;
  const document = JSON.parse(text) as { readonly type?: unknown; readonly status?: unknown };
  return document.status === status && /^\/problems\/[a-z-]+$/.test(String(document.type));
}

function isProviderError({ status, type, text }: Answered): boolean {
  if (!type.startsWith('application/json')) return false;
  const document = JSON.parse(text) as { readonly name?: unknown; readonly statusCode?: unknown };
  return document.statusCode === status && typeof document.name === 'string';
}

/** Requests to each service; `ANY_PATH_RUNS=50000 npm run test:long -- any-path` sends more. */
describeAnyPath(sweep(1_000, 20_000));
