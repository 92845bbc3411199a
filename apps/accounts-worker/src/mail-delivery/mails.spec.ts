import { describe, expect, it } from '@jest/globals';
import { mailLanguages } from '@app/accounts';
import type { MailLanguage } from '@app/accounts';
import { ownerNoticeMail } from '../notify-owner/owner-notice-mail.js';
import { activationMail } from '../send-activation-code/activation-mail.js';
import type { Mail } from './mail.js';

const accountId = '6f9619ff-8b86-8d01-b42d-00cf4fc964ff';
const address = 'Ada@BÜCHER.example';

function codeMail(language: MailLanguage, code = '0421', ttlMs = 60_000): Mail {
  const form = code.length === 4 ? 'short' : 'long';
  return activationMail({ accountId, issueNumber: 12, address, code, form, ttlMs, language });
}

function notice(language: MailLanguage): Mail {
  return ownerNoticeMail({ accountId, noticeNumber: 3, address, language });
}

const fourDigits = /(?<!\d)\d{4}(?!\d)/g;

describe.each(mailLanguages)('The mail with a code, in %s,', (language) => {
  it('has tags that lead back from it', () => {
    expect(codeMail(language).tags).toEqual({ account: accountId, issue: '12' });
  });

  it('has the code as the only run of four digits in its text, and once in its HTML', () => {
    for (const code of ['0000', '0421', '9999', '1234']) {
      const { text, html } = codeMail(language, code);
      expect(text.match(fourDigits)).toEqual([code]);
      expect(visible(html).match(fourDigits)).toEqual([code]);
    }
  });

  it('says why a code is long, and shows it once in text and HTML', () => {
    const { text, html } = codeMail(language, '7K3M-0QTZ-9HXW');
    const why = {
      en: /too many wrong codes were tried/,
      fr: /trop de codes erronés/,
      de: /zu viele falsche Codes/,
      es: /demasiados códigos erróneos/,
    }[language];
    for (const shown of [text, visible(html)]) {
      expect(shown).toMatch(why);
      expect(shown.split('7K3M-0QTZ-9HXW')).toHaveLength(2);
    }
    expect(codeMail(language).text).not.toMatch(why);
  });

  it('tells a person who changed networks that the code stays good', () => {
    const how = {
      en: /Register again where you are now/,
      fr: /Inscrivez-vous de nouveau/,
      de: /Registrieren Sie sich dort, wo Sie jetzt sind/,
      es: /Regístrese de nuevo/,
    };
    expect(codeMail(language).text).toMatch(how[language]);
  });

  it('has no code in its subject, which shows on locked screens', () => {
    expect(codeMail(language).subject).not.toMatch(/\d/);
  });

  it('shows the code before anything else that a person has to read', () => {
    const { text, html } = codeMail(language);
    expect(text.indexOf('0421')).toBeLessThan(60);
    expect(visible(html).indexOf('0421')).toBeLessThan(80);
  });
});

describe.each([
  ['mail with a code', codeMail],
  ['notice to the owner', notice],
])('Any %s', (_, mailIn) => {
  it('goes to the local part as typed, at the ASCII form of the domain', () => {
    for (const language of mailLanguages) {
      expect(mailIn(language).to).toBe('Ada@xn--bcher-kva.example');
    }
  });

  it('loads nothing from anywhere, and runs nothing', () => {
    for (const language of mailLanguages) {
      const { html } = mailIn(language);
      expect(html).not.toMatch(
        /https?:|src=|href=|url\(|@import|<script|<link|<img|<iframe|<form/i,
      );
    }
  });

  it('says the same in text and in HTML', () => {
    for (const language of mailLanguages) {
      const { text, html } = mailIn(language);
      expect(words(visible(html))).toBe(words(text.replace('--\n', '')));
    }
  });

  it('says in which language it is', () => {
    for (const language of mailLanguages) {
      expect(mailIn(language).html).toContain(`<html lang="${language}">`);
    }
    const texts = mailLanguages.map((language) => mailIn(language).text);
    expect(new Set(texts).size).toBe(mailLanguages.length);
  });

  it('has tags that a provider takes', () => {
    for (const [name, value] of Object.entries(mailIn('en').tags)) {
      expect(name).toMatch(/^[A-Za-z0-9_-]{1,256}$/);
      expect(value).toMatch(/^[A-Za-z0-9_-]{1,256}$/);
    }
  });

  it('holds nothing that breaks out of its HTML', () => {
    for (const language of mailLanguages) {
      expect(visible(mailIn(language).html)).not.toMatch(/[<>]/);
    }
  });
});

describe('The time that a code is accepted for', () => {
  it.each([
    [
      60_000,
      'within one minute',
      'dans la minute qui suit',
      'innerhalb einer Minute',
      'en un minuto',
    ],
    [120_000, 'within 2 minutes', 'dans les 2 minutes', 'von 2 Minuten', 'en 2 minutos'],
    [45_000, 'within 45 seconds', 'dans les 45 secondes', 'von 45 Sekunden', 'en 45 segundos'],
  ])('of %i ms reads "%s"', (ttlMs, ...sentences) => {
    for (const [index, language] of mailLanguages.entries()) {
      expect(codeMail(language, '0421', ttlMs).text).toContain(sentences[index]);
    }
  });
});

describe('The notice to the owner', () => {
  it('has no code in it', () => {
    for (const language of mailLanguages) expect(notice(language).text).not.toMatch(/\d/);
  });
});

/** What a person sees of the body. */
function visible(html: string): string {
  return html
    .replace(/^.*<body[^>]*>/s, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&#39;/g, "'")
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, '&');
}

function words(text: string): string {
  return text.split(/\s+/).filter(Boolean).join(' ');
}
