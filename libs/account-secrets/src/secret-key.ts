import * as z from 'zod';

/** A key shorter than this would be the weakest part of what is derived from it. */
export const secretKeyMinBytes = 32;

/** The key, or undefined when the text is not base64 of enough bytes. */
export function secretKeyOf(text: string): Buffer | undefined {
  const key = Buffer.from(text, 'base64');
  // Buffer.from skips what it does not know, so only a text that comes back the same was base64.
  return key.toString('base64') === text && key.length >= secretKeyMinBytes ? key : undefined;
}

/**
 * Zod type of a setting that holds one secret key. Marked as `loadConfiguration` wants it, so that its file must be closed
 * to others.
 */
export function secretKeySetting() {
  return z
    .string()
    .refine(secretKeyOf, `must be base64 of ${secretKeyMinBytes} bytes or more`)
    .transform((text) => Buffer.from(text, 'base64'))
    .meta({ secret: true });
}
