import { describe, expect, it } from '@jest/globals';
import { InvalidAddress, defaultPasswordPolicy } from '@app/accounts';
import { Problem, withSentences } from '@app/http-service';
import type { FieldError } from '@app/http-service';
import { fieldCodes, fieldSentences } from './field-sentences.js';
import { assertAcceptable } from './register-account/registration-request.js';

function problemOf(email: string, password: string): Problem {
  const guessable = { isCommon: () => false, isDecorated: () => false };
  try {
    const gate = { faultsOf: () => [] };
    assertAcceptable({ email, password }, defaultPasswordPolicy, guessable, gate);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('it is acceptable');
}

describe('What is wrong with a field', () => {
  it.each(['fr', 'de', 'es'])('has a sentence of its own for each code: %s', (language) => {
    const sentences = fieldSentences(language);
    const said = fieldCodes.map((code) =>
      sentences?.sentenceOf({
        field: 'x',
        code,
        message: '',
        parameters: { minLength: 8, maxLength: 128, maxOctets: 64, unicodeVersion: '15' },
      }),
    );
    expect(new Set(said).size).toBe(fieldCodes.length);
    for (const sentence of said) expect(sentence).toMatch(/^[^{}]{10,}\.$/);
    expect(said.join()).not.toContain('undefined');
  });

  it('keeps the English sentence for those who read English, or none of ours', () => {
    for (const header of [undefined, '', 'en', 'en-GB, fr;q=0.5', 'pl', '*']) {
      expect(fieldSentences(header)).toBeUndefined();
    }
  });

  it('is said with the parameters of the rule, which stand beside it', () => {
    const sentences = fieldSentences('de-AT');
    if (!sentences) throw new Error('there is no German');
    const { type, extras, detail } = withSentences(
      problemOf(`${'a'.repeat(65)}@example.org`, 'short'),
      sentences,
    );
    expect(type).toMatchObject({ slug: 'invalid-request', title: 'Die Anfrage ist nicht gültig' });
    expect(extras.headers).toEqual({ 'Content-Language': 'de' });
    expect(extras.members?.['errors']).toEqual([
      {
        field: 'email',
        code: 'local-part-too-long',
        message: 'Der Teil vor dem @ ist länger als 64 Bytes.',
        parameters: { maxOctets: 64 },
      },
      {
        field: 'password',
        code: 'min-length',
        message: 'Das Passwort muss mindestens 8 Zeichen haben.',
        parameters: { minLength: 8 },
      },
    ] satisfies FieldError[]);
    expect(detail).toContain('password: Das Passwort muss');
  });

  it('has the parameters that every sentence needs', () => {
    for (const fault of [
      'address-too-long',
      'local-part-too-long',
      'unassigned-character',
    ] as const) {
      const { parameters } = new InvalidAddress(fault);
      const said = fieldSentences('fr')?.sentenceOf({
        field: 'x',
        code: fault,
        message: '',
        parameters,
      });
      expect(said).not.toMatch(/undefined|[{}]/);
    }
  });
});
