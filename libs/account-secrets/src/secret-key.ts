import * as z from 'zod';

/** A key shorter than this would be the weakest part of what is derived from it. */
export const secretKeyMinBytes = 32;

/** A secret of the configuration is unusable. Names the setting and the fault, never the value. */
export class InvalidSecretSetting extends Error {
  override readonly name = 'InvalidSecretSetting';

  constructor(
    readonly setting: string,
    readonly faults: readonly string[],
  ) {
    super(`${setting} is not valid: ${faults.join('; ')}`);
  }
}

/**
 * One secret key.
 *
 * @param text base64 of 32 bytes or more
 * @param name of the setting it comes from, for the error
 * @throws InvalidSecretSetting
 */
export function parseSecretKey(text: string, name: string): Buffer {
  const key = secretKeyOf(text);
  if (key === undefined) {
    throw new InvalidSecretSetting(name, [`must be base64 of ${secretKeyMinBytes} bytes or more`]);
  }
  return key;
}

/** The key, or undefined when the text is not base64 of enough bytes. */
export function secretKeyOf(text: string): Buffer | undefined {
  const key = Buffer.from(text, 'base64');
  // Buffer.from skips what it does not know, so only a text that comes back the same was base64.
  return key.toString('base64') === text && key.length >= secretKeyMinBytes ? key : undefined;
}

/** Zod type of a setting that holds one secret key, for `loadConfiguration`. */
export function secretKeySetting(name: string) {
  return secretSetting((text) => parseSecretKey(text, name));
}

/**
 * Zod type of a setting that `parse` reads, or refuses with InvalidSecretSetting. Marked as `loadConfiguration`
 * wants it, so that its file must be closed to others.
 */
export function secretSetting<Value>(parse: (text: string) => Value) {
  return z
    .string()
    .transform((text, context): Value => {
      try {
        return parse(text);
      } catch (error) {
        if (!(error instanceof InvalidSecretSetting)) throw error;
        context.addIssue({ code: 'custom', message: error.faults.join('; ') });
        return z.NEVER;
      }
    })
    .meta({ secret: true });
}
