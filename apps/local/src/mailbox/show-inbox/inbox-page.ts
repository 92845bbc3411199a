import { createHash } from 'node:crypto';
import { codeIn } from '../keep-emails/email.js';
import type { Email } from '../keep-emails/email.js';

const LIST_SIZE = 100;

/** Replaces the list every two seconds; the search box keeps what is being typed into it. */
const REFRESH = `
setInterval(async () => {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
    if (!answer.ok) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const [shown, fresh] = [document, page].map((d) => d.getElementById('list'));
    if (shown.innerHTML !== fresh.innerHTML) shown.innerHTML = fresh.innerHTML;
    document.body.classList.remove('away');
  } catch {
    document.body.classList.add('away');
  }
}, 2000);
`;

/** Content-Security-Policy of the pages: nothing from outside, one script that is known by its hash. */
export const PAGE_POLICY: Record<string, string[]> = {
  'default-src': ["'none'"],
  'style-src': ["'unsafe-inline'"],
  'script-src': [`'sha256-${createHash('sha256').update(REFRESH).digest('base64')}'`],
  'img-src': ['data:'],
  'connect-src': ["'self'"],
  'frame-src': ["'self'"],
  'form-action': ["'self'"],
  'base-uri': ["'none'"],
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

/** How many messages the inbox page asks for. */
export const INBOX_PAGE_SIZE = LIST_SIZE;

/**
 * The inbox, newest first. Links are relative, so that it also works behind a path of a proxy.
 *
 * @param kept how many messages there are altogether
 */
export function inboxPage(emails: readonly Email[], kept: number, to: string | undefined): string {
  const rows = emails.map(row).join('');
  const empty = to
    ? `<p class="empty">Nothing for <b>${escape(to)}</b> yet.</p>`
    : '<p class="empty">No mail yet. Register an account and its code appears here.</p>';
  const note = to
    ? `${emails.length === LIST_SIZE ? `newest ${LIST_SIZE}` : emails.length} for this address`
    : kept > emails.length
      ? `newest ${emails.length} of ${kept}`
      : `${kept} ${kept === 1 ? 'message' : 'messages'}`;
  return page(
    'Mailbox',
    `<header><h1><a href="./">Mailbox</a></h1>
<form method="get" action="./" role="search"><input name="to" type="search" value="${escape(to ?? '')}"
 placeholder="Address" aria-label="Address" autocomplete="off"><button>Show</button></form></header>
<main id="list"><p class="note">${note}</p>${emails.length ? `<ul class="mails">${rows}</ul>` : empty}</main>
<script>${REFRESH}</script>`,
    '<noscript><meta http-equiv="refresh" content="5"></noscript>',
  );
}

/** One message: the code large, then the text and the HTML as the recipient gets them. */
export function messagePage(email: Email): string {
  const code = codeIn(email.text);
  const html =
    email.html === null
      ? ''
      : `<h2>HTML</h2><iframe sandbox title="HTML of the message" src="${escape(email.id)}/html"></iframe>`;
  return page(
    email.subject,
    `<header><h1><a href="../">Mailbox</a></h1><a class="back" href="../">All messages</a></header>
<main><article>
<h2 class="subject">${escape(email.subject)}</h2>
<dl><dt>To</dt><dd>${escape(email.to.join(', '))}</dd>
<dt>From</dt><dd>${escape(email.from)}</dd>
<dt>Received</dt><dd>${time(email.receivedAt)}</dd>
<dt>Idempotency-Key</dt><dd class="key">${escape(email.idempotencyKey ?? 'none')}</dd></dl>
${code === undefined ? '' : `<p class="code" aria-label="Code">${code}</p>`}
${email.text === null ? '' : `<h2>Text</h2><pre>${escape(email.text)}</pre>`}
${html}
</article></main>`,
  );
}

/** Shown where a message has gone or never was. */
export function messageMissingPage(): string {
  return page(
    'No such message',
    `<header><h1><a href="../">Mailbox</a></h1></header>
<main><p class="empty">This message is not kept (any more). <a href="../">All messages</a></p></main>`,
  );
}

function row(email: Email): string {
  const code = codeIn(email.text);
  return `<li><a href="messages/${escape(email.id)}">
<span class="who">${escape(email.to.join(', '))}</span>
<span class="what">${escape(email.subject)}</span>
<span class="when">${time(email.receivedAt)}</span>
<span class="digits">${code ?? ''}</span></a></li>`;
}

function time(iso: string): string {
  return `<time datetime="${escape(iso)}">${escape(iso.slice(0, 19).replace('T', ' '))} UTC</time>`;
}

/** Makes any text safe inside an element or a quoted attribute. */
export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const STYLE = `
:root{color-scheme:light dark;--paper:#fff;--ground:#f3f4f7;--ink:#1b1f2a;--soft:#667085;--line:#e2e5ec;--accent:#3346d3;--tint:#eef0fe}
@media (prefers-color-scheme:dark){:root{--paper:#1a1d26;--ground:#11131a;--ink:#eceef4;--soft:#98a1b5;--line:#2b303d;--accent:#9aa7ff;--tint:#23284a}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
header,main{max-width:60rem;margin:0 auto;padding:0 1.25rem}
header{display:flex;flex-wrap:wrap;gap:1rem;align-items:center;justify-content:space-between;padding-top:1.75rem;padding-bottom:1rem}
h1{margin:0;font-size:1.5rem;letter-spacing:-.01em}
h1 a{color:inherit;text-decoration:none}
h2{margin:1.75rem 0 .5rem;font-size:.8rem;letter-spacing:.06em;text-transform:uppercase;color:var(--soft)}
h2.subject{margin:0 0 1rem;font-size:1.35rem;letter-spacing:0;text-transform:none;color:var(--ink);overflow-wrap:anywhere}
a{color:var(--accent)}
form{display:flex;gap:.5rem}
input,button{font:inherit;color:inherit;border:1px solid var(--line);border-radius:.5rem;padding:.4rem .75rem;background:var(--paper)}
input{width:16rem;max-width:60vw}
button{background:var(--accent);border-color:var(--accent);color:var(--paper);cursor:pointer}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.note{margin:0 0 .5rem;color:var(--soft);font-size:.875rem}
.empty{padding:3.5rem 1rem;text-align:center;color:var(--soft);background:var(--paper);border:1px solid var(--line);border-radius:.75rem}
.mails{list-style:none;margin:0 0 3rem;padding:0;background:var(--paper);border:1px solid var(--line);border-radius:.75rem;overflow:hidden}
.mails li+li{border-top:1px solid var(--line)}
.mails a{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:0 1rem;align-items:center;padding:.75rem 1.25rem;color:inherit;text-decoration:none}
.mails a:hover{background:var(--tint)}
.who{font-weight:600}
.who,.what{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.what,.when{grid-column:1;color:var(--soft);font-size:.875rem}
.digits{grid-column:2;grid-row:1/span 3;font:600 1.9rem/1 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;letter-spacing:.12em;color:var(--accent)}
article{background:var(--paper);border:1px solid var(--line);border-radius:.75rem;padding:1.5rem;margin-bottom:3rem}
dl{display:grid;grid-template-columns:auto minmax(0,1fr);gap:.2rem 1rem;margin:0;font-size:.95rem}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
.key{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.85rem}
.code{margin:1.5rem 0 0;padding:1.25rem;text-align:center;background:var(--tint);border-radius:.75rem;color:var(--accent);font:700 clamp(3rem,12vw,5.5rem)/1.1 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;letter-spacing:.18em;text-indent:.18em}
pre{margin:0;padding:1rem;background:var(--ground);border-radius:.5rem;white-space:pre-wrap;overflow-wrap:anywhere;font:.95rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
iframe{width:100%;height:26rem;border:1px solid var(--line);border-radius:.5rem;background:#fff}
.away #list{opacity:.5}
`;

function page(title: string, body: string, head = ''): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escape(title)}</title>${head}<link rel="icon" href="data:,"><style>${STYLE}</style></head>
<body>${body}</body></html>
`;
}
