import type { MailLanguage } from '@app/accounts';
import { escapeHtml } from '@app/http-service';
import type { Mail } from './mail.js';

/** One mail, before it is laid out. Texts are plain: what is special in HTML is escaped here. */
export interface MailContent {
  readonly subject: string;
  /** What the mail is about. */
  readonly heading: string;
  /** Shown larger than everything else, its digits apart. */
  readonly code?: string;
  readonly paragraphs: readonly string[];
  /** Why this mail came, and what to do when it should not have. */
  readonly footer: string;
}

/** The same mail twice: for programs that show text, and for those that show HTML. */
export function laidOut(
  language: MailLanguage,
  content: MailContent,
): Pick<Mail, 'subject' | 'text' | 'html'> {
  return { subject: content.subject, text: textOf(content), html: htmlOf(language, content) };
}

function textOf({ heading, code, paragraphs, footer }: MailContent): string {
  const shownCode = code === undefined ? [] : [`    ${code}`];
  return [heading, ...shownCode, ...paragraphs, `--\n${footer}\n`].join('\n\n');
}

/**
 * A table and inline styles, because mail programs know little else; nothing is loaded from anywhere. Dark
 * surroundings keep the card light, so that the code has the same contrast everywhere.
 */
function htmlOf(
  language: MailLanguage,
  { subject, heading, code, paragraphs, footer }: MailContent,
): string {
  const shownCode =
    code === undefined
      ? ''
      : `<p style="margin:0 0 24px;padding:20px 0 20px 14px;border-radius:10px;background:#f1f4f9;` +
        `font-family:'SFMono-Regular',Consolas,'Liberation Mono',Menlo,monospace;line-height:1.1;` +
        `${code.length > 4 ? 'font-size:28px;letter-spacing:2px' : 'font-size:44px;letter-spacing:14px'};` +
        `font-weight:700;text-align:center;color:#10213d">` +
        `${escapeHtml(code)}</p>`;
  const shownParagraphs = paragraphs
    .map((paragraph) => `<p style="margin:0 0 16px">${escapeHtml(paragraph)}</p>`)
    .join('');
  return (
    `<!doctype html><html lang="${language}"><head><meta charset="utf-8">` +
    '<meta name="viewport" content="width=device-width,initial-scale=1">' +
    '<meta name="color-scheme" content="light"><meta name="supported-color-schemes" content="light">' +
    `<title>${escapeHtml(subject)}</title></head>` +
    '<body style="margin:0;padding:0;background:#e9edf3">' +
    '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="background:#e9edf3">' +
    '<tr><td align="center" style="padding:32px 12px">' +
    '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" ' +
    'style="max-width:480px;background:#ffffff;border-radius:14px">' +
    "<tr><td style=\"padding:32px 32px 8px;font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;" +
    'font-size:16px;line-height:1.5;color:#26334a">' +
    `<h1 style="margin:0 0 20px;font-size:20px;line-height:1.3;font-weight:600;color:#10213d">${escapeHtml(heading)}</h1>` +
    `${shownCode}${shownParagraphs}</td></tr>` +
    "<tr><td style=\"padding:0 32px 28px;font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;" +
    'font-size:13px;line-height:1.5;color:#5c6a80">' +
    `<p style="margin:8px 0 0;padding-top:16px;border-top:1px solid #dfe5ee">${escapeHtml(footer)}</p>` +
    '</td></tr></table></td></tr></table></body></html>'
  );
}
