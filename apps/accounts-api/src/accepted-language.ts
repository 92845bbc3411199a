import { mailLanguages } from '@app/accounts';
import type { MailLanguage } from '@app/accounts';

const QUALITY = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/i;
/** Far above what browsers send; further ranges are ignored. */
const MOST_RANGES = 20;

/**
 * The language that an Accept-Language header (RFC 9110, 12.5.4) prefers among ours; the first named of
 * several it likes equally. Regions do not matter: `fr-CA` takes French.
 *
 * @returns undefined when the header is missing, or names none of ours
 */
export function acceptedLanguage(header: string | undefined): MailLanguage | undefined {
  return preferredLanguage(header, mailLanguages);
}

/** The same among other languages. */
export function preferredLanguage<Language extends string>(
  header: string | undefined,
  languages: readonly Language[],
): Language | undefined {
  const ranges = (header ?? '').split(',', MOST_RANGES).map(rangeOf);
  const preferred = ranges
    .filter(({ quality }) => quality > 0)
    .sort((one, other) => other.quality - one.quality);
  for (const { language } of preferred) {
    const ours = languages.find((candidate) => candidate === language);
    if (ours !== undefined) return ours;
  }
  return undefined;
}

function rangeOf(text: string): { readonly language: string; readonly quality: number } {
  const [range = '', ...parameters] = text.split(';').map((part) => part.trim());
  const [language = ''] = range.toLowerCase().split('-', 1);
  const quality = parameters.map((parameter) => QUALITY.exec(parameter)?.[1]).find(Boolean);
  return { language, quality: quality === undefined ? 1 : Number(quality) };
}
