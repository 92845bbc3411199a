import * as z from 'zod';

const PREFIX = 'whsec_';
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const LEAST_BYTES = 24;

/**
 * Setting: the secret that the provider signs its messages with, as the provider shows it: base64 of 24
 * bytes or more, with or without `whsec_` before it.
 */
export function mailWebhookKeySetting() {
  const fault = `must be base64 of ${LEAST_BYTES} bytes or more, with or without ${PREFIX} before it`;
  return z
    .string()
    .transform((text) => (text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text))
    .refine((text) => BASE64.test(text), fault)
    .transform((text) => Buffer.from(text, 'base64'))
    .refine((key) => key.length >= LEAST_BYTES, fault);
}
