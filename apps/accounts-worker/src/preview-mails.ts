import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { mailLanguages } from '@app/accounts';
import type { MailLanguage } from '@app/accounts';
import { htmlPage } from '@app/http-service';
import { ownerNoticeMail } from './notify-owner/owner-notice-mail.js';
import { activationMail } from './send-activation-code/activation-mail.js';
import type { Mail } from './mail-delivery/mail.js';

/**
 * Writes every mail in every language to files that a person can open, and an index of them.
 *
 * Usage: `node preview-mails.js [folder]`, `.data/mail-preview` when left out.
 */
const accountId = '6f9619ff-8b86-8d01-b42d-00cf4fc964ff';
const address = 'ada@example.org';

const mail = { accountId, issueNumber: 1, address, ttlMs: 60_000 };

const mails: Readonly<Record<string, (language: MailLanguage) => Mail>> = {
  'activation-code': (language) =>
    activationMail({ ...mail, code: '0421', form: 'short', language }),
  'long-activation-code': (language) =>
    activationMail({ ...mail, code: '7K3M-0QTZ-9HXW', form: 'long', language }),
  'owner-notice': (language) => ownerNoticeMail({ accountId, noticeNumber: 1, address, language }),
};

function writePreviews(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const rows = Object.entries(mails).flatMap(([name, mailIn]) =>
    mailLanguages.map((language) => {
      const { subject, text, html } = mailIn(language);
      const file = `${name}.${language}`;
      writeFileSync(join(folder, `${file}.html`), html);
      writeFileSync(join(folder, `${file}.txt`), `Subject: ${subject}\n\n${text}`);
      return `<li>${file}: <a href="${file}.html">HTML</a>, <a href="${file}.txt">text</a></li>`;
    }),
  );
  const index = join(folder, 'index.html');
  writeFileSync(
    index,
    htmlPage({
      title: 'Mails',
      body: `<main><h1>Mails</h1><ul class="rows">${rows.join('')}</ul></main>`,
    }),
  );
  return index;
}

const index = writePreviews(resolve(process.argv[2] ?? '.data/mail-preview'));
process.stdout.write(`The mails are in ${pathToFileURL(index).href}\n`);
