/** Stands where a person's data stood, since the key to it was destroyed. */
export interface Erased {
  readonly erased: true;
}

export const erased: Erased = Object.freeze({ erased: true });

/** Personal text: readable until it is erased, and never invented afterwards. */
export type PersonalText = string | Erased;

export function isErased(value: unknown): value is Erased {
  return typeof value === 'object' && value !== null && 'erased' in value && value.erased === true;
}
