import { escapeHtml, htmlPage, pagePolicy, sourceOf } from '@app/http-service';
import { codeIn } from '../keep-emails/email.js';
import type { Email } from '../keep-emails/email.js';
import type { MailedCode } from './mailed-codes.js';

/** How many messages the inbox page asks for. */
export const INBOX_PAGE_SIZE = 100;

/**
 * Replaces what the page shows when something of it has changed, looked for every two seconds; the search box keeps what
 * is being typed into it. Counts down the seconds of codes, by the clock of the mailbox.
 */
const REFRESH = `
const shown = document.getElementById('shown');
let html = shown.innerHTML;
let ahead = Date.parse(shown.dataset.now) - Date.now();
const countDown = () => {
  for (const place of shown.querySelectorAll('[data-until]')) {
    const left = Date.parse(place.dataset.until) - Date.now() - ahead;
    place.textContent = Math.max(0, Math.ceil(left / 1000)) + ' s left';
  }
};
countDown();
setInterval(countDown, 500);
setInterval(async () => {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
    if (!answer.ok) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const fresh = page.getElementById('shown');
    ahead = Date.parse(fresh.dataset.now) - Date.now();
    if (html !== fresh.innerHTML) shown.innerHTML = html = fresh.innerHTML;
    countDown();
    document.body.classList.remove('away');
  } catch {
    document.body.classList.add('away');
  }
}, 2000);
`;

const STYLE = `
header,main{max-width:60rem;margin:0 auto}
main{padding:0;background:none}
header{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:center;justify-content:space-between;padding:1rem 0}
h1{margin:0}
h1 a{color:inherit;text-decoration:none}
h2{margin:1.75rem 0 .5rem;font-size:1rem;color:var(--soft)}
h2.subject{margin:0 0 1rem;font-size:1.25rem;color:var(--ink)}
form{display:flex;gap:.5rem}
input{width:16rem;min-width:0}
.note{margin:0 0 .5rem}
.empty,.mails,article{margin:0;background:var(--paper);border-radius:.75rem;overflow:hidden}
.empty{padding:3.5rem 1rem;text-align:center;color:var(--soft)}
.mails{list-style:none;padding:0}
.mails li+li{border-top:1px solid var(--rule)}
.mails a{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:0 1rem;align-items:center;padding:.75rem 1.25rem;color:inherit;text-decoration:none}
.mails a:hover{background:var(--tint)}
.who{font-weight:600}
.who,.what{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.what,.when{grid-column:1}
.digits{grid-column:2;grid-row:1/span 2;justify-self:end;font:600 1.75rem/1.2 ui-monospace,monospace}
.state{grid-column:2;justify-self:end;color:var(--soft);font-size:.875rem;font-variant-numeric:tabular-nums}
.dead{color:var(--soft);font-weight:400;text-decoration:line-through}
.mails a:has(.long) .digits{font-size:1.1rem}
article{padding:1.5rem}
dl{display:grid;grid-template-columns:auto minmax(0,1fr);gap:.2rem 1rem;margin:0;font-size:.875rem}
dt{color:var(--soft)}
dd{margin:0}
.code{margin:1.5rem 0 0;padding:1.25rem;text-align:center;background:var(--tint);border-radius:.75rem}
.code b{display:block;font:700 clamp(1.5rem,9vw,4rem)/1.2 ui-monospace,monospace}
pre{margin:0;padding:1rem;background:var(--ground);border-radius:.5rem;white-space:pre-wrap}
iframe{width:100%;height:26rem;border:1px solid var(--rule);border-radius:.5rem;background:#fff}
.away #shown{opacity:.5}
`;

/** Content-Security-Policy of the pages: nothing from outside, one style and one script that are known by their hashes. */
export const PAGE_POLICY: Record<string, string[]> = {
  ...pagePolicy(STYLE),
  'script-src': [sourceOf(REFRESH)],
  'connect-src': ["'self'"],
  'frame-src': ["'self'"],
  'form-action': ["'self'"],
  'frame-ancestors': ["'self'"],
};

/** Policy of an e-mail's own HTML: styles and inline pictures, nothing that runs, loads or navigates. */
export const MESSAGE_POLICY = [
  'sandbox',
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  'img-src data:',
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'self'",
].join('; ');

/** What a page needs to know beside the messages. */
export interface Shown {
  readonly states: ReadonlyMap<string, MailedCode>;
  readonly now: Date;
}

/**
 * The inbox, newest first. Links are relative, so that it also works behind a path of a proxy.
 *
 * @param kept how many messages there are altogether
 */
export function inboxPage(
  emails: readonly Email[],
  kept: number,
  to: string | undefined,
  { states, now }: Shown,
): string {
  const rows = emails.map((email) => row(email, states.get(email.id))).join('');
  const empty = to
    ? `<p class="empty">Nothing for <b>${escapeHtml(to)}</b> yet.</p>`
    : '<p class="empty">No mail yet. Register an account and its code appears here.</p>';
  const note = to
    ? `${emails.length === INBOX_PAGE_SIZE ? `newest ${INBOX_PAGE_SIZE}` : emails.length} for this address`
    : kept > emails.length
      ? `newest ${emails.length} of ${kept}`
      : `${kept} ${kept === 1 ? 'message' : 'messages'}`;
  return page(
    'Mailbox',
    `<form method="get" action="./" role="search"><input name="to" type="search" value="${escapeHtml(to ?? '')}"
 placeholder="Address" aria-label="Address" autocomplete="off"><button>Show</button></form>`,
    `<p class="note soft">${note}</p>${emails.length ? `<ul class="mails">${rows}</ul>` : empty}`,
    './',
    now,
  );
}

/** One message: the code large, then the text and the HTML as the recipient gets them. */
export function messagePage(email: Email, { states, now }: Shown): string {
  const code = codeIn(email.text);
  const state = states.get(email.id);
  const html =
    email.html === null
      ? ''
      : `<h2>HTML</h2><iframe sandbox title="HTML of the message" src="${escapeHtml(email.id)}/html"></iframe>`;
  return page(
    email.subject,
    '<a href="../">All messages</a>',
    `<article>
<h2 class="subject">${escapeHtml(email.subject)}</h2>
<dl><dt>To</dt><dd>${escapeHtml(email.to.join(', '))}</dd>
<dt>From</dt><dd>${escapeHtml(email.from)}</dd>
<dt>Received</dt><dd>${time(email.receivedAt)}</dd>
<dt>Idempotency-Key</dt><dd><code>${escapeHtml(email.idempotencyKey ?? 'none')}</code></dd></dl>
${code === undefined ? '' : `<p class="code"><b${classOf(state)}>${code}</b>${stateOf(state)}</p>`}
${email.text === null ? '' : `<h2>Text</h2><pre>${escapeHtml(email.text)}</pre>`}
${html}
</article>`,
    '../',
    now,
  );
}

/** Shown where a message has gone or never was. */
export function messageMissingPage(now: Date): string {
  return page(
    'No such message',
    '<a href="../">All messages</a>',
    '<p class="empty">This message is not kept (any more).</p>',
    '../',
    now,
  );
}

function row(email: Email, state: MailedCode | undefined): string {
  const code = codeIn(email.text);
  return `<li><a href="messages/${escapeHtml(email.id)}">
<span class="who">${escapeHtml(email.to.join(', '))}</span>
<span class="what soft">${escapeHtml(email.subject)}</span>
<span class="when soft">${time(email.receivedAt)}</span>
${code === undefined ? '' : `<span class="digits"><span${classOf(state, code)}>${code}</span></span>${stateOf(state)}`}</a></li>`;
}

function classOf(state: MailedCode | undefined, code = ''): string {
  const names = [state?.kind === 'alive' ? '' : 'dead', code.length > 4 ? 'long' : ''];
  return ` class="${names.join(' ').trim()}"`;
}

/** With a script it counts down; without, it says when. */
function stateOf(state: MailedCode | undefined): string {
  if (state?.kind !== 'alive') return `<span class="state">${state?.kind ?? ''}</span>`;
  const until = state.until.toISOString();
  return `<span class="state" data-until="${until}">until ${until.slice(11, 19)} UTC</span>`;
}

function time(iso: string): string {
  return `<time datetime="${escapeHtml(iso)}">${escapeHtml(iso.slice(0, 19).replace('T', ' '))} UTC</time>`;
}

function page(title: string, beside: string, shown: string, home: string, now: Date): string {
  return htmlPage({
    title,
    style: STYLE,
    head: '<noscript><meta http-equiv="refresh" content="5"></noscript>',
    body: `<header><h1><a href="${home}">Mailbox</a></h1>${beside}</header>
<main id="shown" data-now="${now.toISOString()}">${shown}</main><script>${REFRESH}</script>`,
  });
}
