import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { Email } from '../keep-emails/email.js';
import { PAGE_POLICY, inboxPage, messagePage } from './inbox-page.js';

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

describe('inboxPage', () => {
  it('shows address, subject, time and code of each message, with a relative link to it', () => {
    const page = inboxPage([email], 1, undefined);
    for (const shown of ['ada@example.org', 'Your code', '2026-01-02 03:04:05 UTC', '0421']) {
      expect(page).toContain(shown);
    }
    expect(page).toContain(`href="messages/${email.id}"`);
    expect(page).not.toMatch(/(href|src|action)="\//);
  });

  it('says that there is no mail, for everybody or for one address', () => {
    expect(inboxPage([], 0, undefined)).toContain('No mail yet');
    expect(inboxPage([], 5, 'ada@example.org')).toContain('<b>ada@example.org</b>');
  });

  it('lets nothing that a sender or a link wrote become markup', () => {
    const page = inboxPage([hostile], 1, HOSTILE);
    expect(page).not.toContain(HOSTILE);
    expect(page.match(/<script/g)).toHaveLength(1);
  });

  it('holds exactly the script that its policy allows', () => {
    const script = /<script>([\s\S]*)<\/script>/.exec(inboxPage([], 0, undefined))?.[1] ?? '';
    const hash = createHash('sha256').update(script).digest('base64');
    expect(PAGE_POLICY['script-src']).toEqual([`'sha256-${hash}'`]);
  });
});

describe('messagePage', () => {
  it('shows the code on its own and the HTML in a sandboxed frame', () => {
    const page = messagePage(email);
    expect(page).toContain('>0421</p>');
    expect(page).toMatch(/<iframe sandbox [^>]*src="7df9433a-b3e8-4eaf-8634-f6442941b0e0\/html"/);
    expect(page).not.toContain('<p>0421</p>');
  });

  it('shows no code and no frame where the message has none', () => {
    const page = messagePage({ ...email, text: 'Hello', html: null });
    expect(page).not.toContain('class="code"');
    expect(page).not.toContain('<iframe');
  });

  it('lets nothing that a sender wrote become markup', () => {
    const page = messagePage(hostile);
    expect(page).not.toContain(HOSTILE);
    expect(page).not.toContain('<script');
  });
});
