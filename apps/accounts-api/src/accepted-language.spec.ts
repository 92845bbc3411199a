import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mailLanguages } from '@app/accounts';
import { acceptedLanguage } from './accepted-language.js';

describe('The language of a request', () => {
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['*', undefined],
    ['it', undefined],
    ['en', 'en'],
    ['fr', 'fr'],
    ['FR', 'fr'],
    ['fr-CA', 'fr'],
    ['it, de, fr', 'de'],
    ['en, fr', 'en'],
    ['fr, en', 'fr'],
    ['en;q=0.4, fr;q=0.5', 'fr'],
    ['en;q=0.5, fr;q=0.4', 'en'],
    ['fr;q=0, en', 'en'],
    ['fr;q=0', undefined],
    ['en;q=0.8,fr-FR', 'fr'],
    [' fr-FR , fr ; q=0.9 , en ; q=0.8 ', 'fr'],
    ['french', undefined],
    ['en;q=bad', 'en'],
  ])('of "%s" is %s', (header, language) => {
    expect(acceptedLanguage(header)).toBe(language);
  });

  it('is one of ours or none, whatever the header', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (header) => {
        expect([undefined, ...mailLanguages]).toContain(acceptedLanguage(header));
      }),
    );
  });
});
