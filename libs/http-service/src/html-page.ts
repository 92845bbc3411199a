import { createHash } from 'node:crypto';

/**
 * The sheet of each page for people: those of the APIs, the mailbox, the preview of mails and, before rules of its own, the
 * sign-up page. Light and dark, and as wide as a phone.
 */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--ink:#1c1b1a;--soft:#57534e;--paper:#fff;--ground:#f4f2ee;--line:#8a847c;--rule:#e3dfd8;--accent:#1f4f8f;--on-accent:#fff;--tint:#e8eff8;--fault:#a1201b;font:1rem/1.5 system-ui,sans-serif}
@media (prefers-color-scheme:dark){:root{--ink:#f2efea;--soft:#bdb7ae;--paper:#211f1d;--ground:#141311;--rule:#3a3632;--accent:#9cc3f5;--on-accent:#10233b;--tint:#1f2c3d;--fault:#ffb3ab}}
*{box-sizing:border-box}
body{margin:0;padding:1rem;color:var(--ink);background:var(--ground)}
main{max-width:42rem;margin:4vh auto 0;padding:1.5rem;background:var(--paper);border-radius:.75rem;overflow-wrap:anywhere}
h1{margin:0 0 1rem;font-size:1.5rem;line-height:1.2}
a{color:var(--accent)}
code,pre{font-family:ui-monospace,monospace}
ul.rows{list-style:none;margin:0;padding:0}
ul.rows>li{padding:.625rem 0;border-top:1px solid var(--rule)}
.soft{color:var(--soft);font-size:.875rem}
input,select,button{font:inherit;color:inherit;border-radius:.5rem}
input{padding:.625rem .75rem;background:var(--paper);border:1px solid var(--line)}
button{min-height:2.75rem;padding:.5rem 1rem;color:var(--on-accent);background:var(--accent);border:1px solid var(--accent);font-weight:600;cursor:pointer}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
`;

/** An envelope; part of the page, so that no browser asks for a file. */
export const PAGE_ICON = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1f4f8f"/>' +
    '<path d="M7 10h18v12H7zl9 7 9-7" fill="none" stroke="#fff" stroke-width="2.4" stroke-linejoin="round"/></svg>',
)}`;

export interface HtmlPage {
  readonly title: string;
  /** Markup. */
  readonly body: string;
  /** Rules after those that all pages share. */
  readonly style?: string;
  /** Markup of the head. */
  readonly head?: string;
}

/** A whole document in English. */
export function htmlPage({ title, body, style = '', head = '' }: HtmlPage): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeHtml(title)}</title>${head}<link rel="icon" href="${PAGE_ICON}"><style>${PAGE_STYLE}${style}</style></head>
<body>${body}</body></html>
`;
}

/**
 * What a page of `htmlPage` may do, as directives of a Content-Security-Policy: show itself, and nothing else.
 *
 * @param style the rules of its own
 */
export function pagePolicy(style = '') {
  return {
    'default-src': ["'none'"],
    'style-src': [sourceOf(PAGE_STYLE + style)],
    'img-src': ['data:'],
    'form-action': ["'none'"],
    'base-uri': ["'none'"],
    'frame-ancestors': ["'none'"],
  };
}

/** An inline script or style, as a policy names it. */
export function sourceOf(content: string): string {
  return `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
}

/** Makes any text safe inside an element or a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
