import { InvalidAddress, addressKeyOf, passwordViolations } from '@app/accounts';
import type { GuessablePasswords, PasswordPolicy } from '@app/accounts';
import { invalidRequest } from '@app/http-service';
import type { FieldFault } from '@app/http-service';
import * as z from 'zod';
import type { RegistrationGate } from '../who-may-register/registration-gate.js';

export const registrationRequest = z
  .strictObject({
    email: z
      .string('must be text: an e-mail address')
      .trim()
      .meta({
        description: 'Where the activation code is sent. At most 254 octets in UTF-8.',
        format: 'idn-email',
        minLength: 3,
        maxLength: 254,
        examples: ['ada@example.org'],
      }),
    password: z.string('must be text: a password').meta({
      description: 'Every character counts, emoji included.',
      format: 'password',
      examples: ['correct horse battery staple'],
    }),
    captchaToken: z
      .string('must be text: what the captcha gave the page')
      .max(8_192)
      .optional()
      .meta({
        description: 'What the captcha gave the page, where the service asks for one.',
        examples: ['token-of-the-widget'],
      }),
  })
  .meta({ description: 'A new account' });

export type RegistrationRequest = z.infer<typeof registrationRequest>;

/**
 * Every rule that the request breaks, those of the business and the operator's, in one answer.
 *
 * @throws Problem invalid-request
 */
export function assertAcceptable(
  { email, password }: RegistrationRequest,
  policy: PasswordPolicy,
  guessablePasswords: GuessablePasswords,
  gate: Pick<RegistrationGate, 'faultsOf'>,
): void {
  const faults: FieldFault[] = [
    ...addressFaults(email, gate),
    ...passwordViolations(password, email, guessablePasswords, policy).map(
      ({ rule, sentence, parameters }) => ({
        field: 'password',
        code: rule,
        message: sentence,
        parameters,
      }),
    ),
  ];
  if (faults.length > 0) throw invalidRequest(faults);
}

function addressFaults(
  email: string,
  gate: Pick<RegistrationGate, 'faultsOf'>,
): readonly FieldFault[] {
  try {
    addressKeyOf(email);
    return gate.faultsOf(email);
  } catch (error) {
    if (!(error instanceof InvalidAddress)) throw error;
    const { fault: code, message, parameters } = error;
    return [{ field: 'email', code, message, parameters }];
  }
}
