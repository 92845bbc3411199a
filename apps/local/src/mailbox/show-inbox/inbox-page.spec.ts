import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { Email } from '../keep-emails/email.js';
import { PAGE_POLICY, inboxPage, messageMissingPage, messagePage } from './inbox-page.js';

const HOSTILE = `"><script>alert('x')</script>&`;

const email: Email = {
  id: '7df9433a-b3e8-4eaf-8634-f6442941b0e0',
  to: ['ada@example.org'],
  from: 'no-reply@example.org',
  subject: 'Your code',
  text: 'Your code is 0421.',
  html: '<p>0421</p>',
  idempotencyKey: 'account/1',
  receivedAt: '2026-01-02T03:04:05.678Z',
};

const hostile: Email = {
  ...email,
  to: [HOSTILE],
  from: HOSTILE,
  subject: HOSTILE,
  text: HOSTILE,
  html: HOSTILE,
  idempotencyKey: HOSTILE,
};

const NOW = new Date('2026-01-02T03:04:20.000Z');
const UNTIL = new Date('2026-01-02T03:05:05.678Z');
const alive = { states: new Map([[email.id, { kind: 'alive' as const, until: UNTIL }]]), now: NOW };
const replaced = { states: new Map([[email.id, { kind: 'replaced' as const }]]), now: NOW };
const sourceOf = (content: string) =>
  `'sha256-${createHash('sha256').update(content).digest('base64')}'`;

describe('inboxPage', () => {
  it('shows address, subject, time and code of each message, with a relative link to it', () => {
    const page = inboxPage([email], 1, undefined, alive);
    for (const shown of ['ada@example.org', 'Your code', '2026-01-02 03:04:05 UTC', '0421']) {
      expect(page).toContain(shown);
    }
    expect(page).toContain(`href="messages/${email.id}"`);
    expect(page).not.toMatch(/(href|src|action)="\//);
  });

  it('says that there is no mail, for everybody or for one address', () => {
    expect(inboxPage([], 0, undefined, alive)).toContain('No mail yet');
    expect(inboxPage([], 5, 'ada@example.org', alive)).toContain('<b>ada@example.org</b>');
  });

  it('lets nothing that a sender or a link wrote become markup', () => {
    const page = inboxPage([hostile], 1, HOSTILE, alive);
    expect(page).not.toContain(HOSTILE);
    expect(page.match(/<script/g)).toHaveLength(1);
  });

  it('says which code is alive and until when, for the script to count down', () => {
    const page = inboxPage([email], 1, undefined, alive);
    expect(page).toContain(`data-until="${UNTIL.toISOString()}">until 03:05:05 UTC<`);
    expect(page).toContain(`data-now="${NOW.toISOString()}"`);
    expect(inboxPage([email], 1, undefined, replaced)).toMatch(
      /class="dead">0421<.*<span class="state">replaced</,
    );
  });

  it.each([
    ['inbox', () => inboxPage([email], 1, undefined, alive)],
    ['message', () => messagePage(email, alive)],
    ['missing message', () => messageMissingPage(NOW)],
  ])('holds exactly the script and the style that its policy allows: %s', (_, pageOf) => {
    for (const [tag, directive] of [
      ['script', 'script-src'],
      ['style', 'style-src'],
    ] as const) {
      const all = [...pageOf().matchAll(new RegExp(`<${tag}>([^]*?)</${tag}>`, 'g'))];
      expect(all.map(([, content = '']) => sourceOf(content))).toEqual(PAGE_POLICY[directive]);
    }
    expect(pageOf()).not.toMatch(/ (style|on[a-z]+)=/);
  });
});

describe('messagePage', () => {
  it('shows the code on its own and the HTML in a sandboxed frame', () => {
    const page = messagePage(email, alive);
    expect(page).toContain('>0421</b>');
    expect(page).toContain(`data-until="${UNTIL.toISOString()}"`);
    expect(page).toMatch(/<iframe sandbox [^>]*src="7df9433a-b3e8-4eaf-8634-f6442941b0e0\/html"/);
    expect(page).not.toContain('<p>0421</p>');
  });

  it('shows no code and no frame where the message has none', () => {
    const page = messagePage({ ...email, text: 'Hello', html: null }, alive);
    expect(page).not.toContain('class="code"');
    expect(page).not.toContain('<iframe');
  });

  it('lets nothing that a sender wrote become markup', () => {
    const page = messagePage(hostile, alive);
    expect(page).not.toContain(HOSTILE);
    expect(page.match(/<script/g)).toHaveLength(1);
  });
});
