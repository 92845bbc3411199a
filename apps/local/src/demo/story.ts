import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { accountStreamName } from '@app/accounts';
import type { EventStore, RecordedEvent } from '@app/event-store';

export interface StoryTools {
  readonly endpoints: { readonly api: string; readonly mailbox: string };
  readonly eventStore: Pick<EventStore, 'readStream'>;
  /** Takes one line to show. */
  readonly tell: (line: string) => void;
}

const MAIL_DEADLINE_MS = 15_000;
const MAIL_POLL_MS = 100;
const LONGEST_SHOWN_DATA = 88;

const WHAT_HAPPENED = [
  'AccountRegistered',
  'ActivationCodeIssued',
  'ActivationCodeSent',
  'ActivationRefused',
  'AccountActivated',
];

/**
 * Plays one registration from beginning to end against a running product, each time with a new address.
 *
 * @throws Error at the first answer that is not the expected one
 */
export async function playStory({ endpoints, eventStore, tell }: StoryTools): Promise<void> {
  const email = `ada.${randomBytes(3).toString('hex')}@example.org`;
  const password = 'correct horse battery staple';
  const call = apiCaller(endpoints.api, `${email}:${password}`, tell);
  const chapter = chapters(tell);

  chapter(`${email} registers`);
  await call('POST', '/v1/accounts', { body: { email, password }, anonymous: true, expect: 202 });

  chapter('The code arrives by e-mail');
  const code = await codeFor(email, endpoints.mailbox);
  tell(`   the mailbox has a message with the code ${code}`);

  chapter('A wrong code is refused');
  await call('POST', '/v1/account/activation', {
    body: { code: anotherCode(code) },
    expect: 422,
    problem: 'activation-code-incorrect',
  });

  chapter('The right code activates the account');
  await call('POST', '/v1/account/activation', { body: { code }, expect: 200 });

  chapter('It cannot be used twice');
  await call('POST', '/v1/account/activation', {
    body: { code },
    expect: 409,
    problem: 'account-already-active',
  });

  chapter('The account, read with its own credentials');
  const account = await call('GET', '/v1/account', { expect: 200 });
  const { accountId, status } = account as { accountId?: unknown; status?: unknown };
  if (typeof accountId !== 'string' || status !== 'active') {
    throw new Error('the account should be active by now');
  }

  const streamName = accountStreamName(accountId);
  chapter(`Its history, straight from the stream ${streamName}`);
  const types: string[] = [];
  for await (const event of eventStore.readStream(streamName)) {
    types.push(event.type);
    tell(`   ${describe(event)}`);
  }
  if (types.join() !== WHAT_HAPPENED.join()) {
    throw new Error(`the history should be ${WHAT_HAPPENED.join(', ')}`);
  }
}

interface Expectation {
  readonly body?: object;
  /** Without credentials. */
  readonly anonymous?: boolean;
  /** Status of the answer. */
  readonly expect: number;
  /** Last path segment of the problem's type. */
  readonly problem?: string;
}

function apiCaller(api: string, credentials: string, tell: (line: string) => void) {
  const authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
  return async (method: string, path: string, expected: Expectation): Promise<unknown> => {
    const answer = await fetch(`${api}${path}`, {
      method,
      headers: {
        ...(expected.anonymous ? {} : { authorization }),
        ...(expected.body ? { 'content-type': 'application/json' } : {}),
      },
      ...(expected.body ? { body: JSON.stringify(expected.body) } : {}),
    });
    const text = await answer.text();
    tell(`   ${method} ${path} → ${answer.status} ${text}`);
    const asExpected =
      answer.status === expected.expect &&
      (expected.problem === undefined || text.includes(`/${expected.problem}"`));
    if (!asExpected) {
      const wanted = [expected.expect, expected.problem].filter(Boolean).join(' ');
      throw new Error(`${method} ${path} should have answered ${wanted}`);
    }
    return JSON.parse(text);
  };
}

async function codeFor(email: string, mailbox: string): Promise<string> {
  const startedAt = Date.now();
  while (Date.now() - startedAt < MAIL_DEADLINE_MS) {
    const answer = await fetch(`${mailbox}/emails?to=${encodeURIComponent(email)}`);
    if (!answer.ok) throw new Error(`the mailbox answered ${answer.status}`);
    const { data } = (await answer.json()) as { data: { text: string }[] };
    const code = /\b\d{4}\b/.exec(data[0]?.text ?? '')?.[0];
    if (code) return code;
    await delay(MAIL_POLL_MS);
  }
  throw new Error(`no e-mail with a code arrived within ${MAIL_DEADLINE_MS / 1000} s`);
}

function anotherCode(code: string): string {
  return String((Number(code) + 1) % 10_000).padStart(4, '0');
}

function chapters(tell: (line: string) => void): (title: string) => void {
  let number = 0;
  return (title) => {
    number += 1;
    tell('');
    tell(`${number}. ${title}`);
  };
}

function describe({ revision, recordedAt, type, data }: RecordedEvent): string {
  const time = recordedAt.toISOString().slice(11, 23);
  const shown = JSON.stringify(data);
  const short =
    shown.length > LONGEST_SHOWN_DATA ? `${shown.slice(0, LONGEST_SHOWN_DATA)}…` : shown;
  return `${revision}  ${time}  ${type.padEnd(20)}  ${short}`;
}
