/** A password is repeated from fewer characters than this: a longer part is a password of its own. */
const longestRepeatedPart = 7;

/** Walks over the keys are this long at least: two neighbours are in most words. */
const shortestWalk = 3;

/** Rows of keys from top to bottom in England, Germany and France. */
const keyboards = [
  ['1234567890-=', 'qwertyuiop[]', "asdfghjkl;'", 'zxcvbnm,./'],
  ['1234567890ß´', 'qwertzuiopü+', 'asdfghjklöä', 'yxcvbnm,.-'],
  ['&é"\'(-è_çà)=', 'azertyuiop^$', 'qsdfghjklmù', 'wxcvbn,;:!'],
].map(placesOf);

const day = '(?:0?[1-9]|[12]\\d|3[01])';
const month = '(?:0?[1-9]|1[0-2])';
const year = '(?:(?:1[89]|20)\\d\\d|\\d\\d)';
const date = new RegExp(
  `^(?:${day}${month}${year}|${month}${day}${year}|${year}${month}${day}|${year}${day}${month})$`,
);

/** `aaaaaaaa`, `123123123`: all of it is a few characters over and over. Takes time in proportion to the length. */
export function isRepeated(text: string): boolean {
  const characters = [...text];
  const longest = Math.min(longestRepeatedPart, Math.floor(characters.length / 2));
  for (let length = 1; length <= longest; length += 1) {
    if (characters.every((one, index) => index < length || one === characters[index - length])) {
      return true;
    }
  }
  return false;
}

/** `abcdefgh`, `87654321`, `90123456`, `acegikmo`: each character is as far from the one before. */
export function isSequence(text: string): boolean {
  const codePoints = [...text].map((character) => character.codePointAt(0) ?? 0);
  const steps = codePoints.slice(1).map((codePoint, index) => codePoint - (codePoints[index] ?? 0));
  if (/^[0-9]+$/.test(text)) {
    // After nine comes nought again.
    return new Set(steps.map((step) => (step + 10) % 10)).size <= 1;
  }
  return new Set(steps).size <= 1;
}

/** `qwertzui`, `1qaz2wsx`, `qazwsxedc`: walks from key to neighbouring key, three keys or more each. */
export function isKeyboardWalk(text: string): boolean {
  return keyboards.some((places) => isWalk(text, places));
}

/** `12.11.2026`, `20261112`, `11/12/26`: a day, a month and a year in some order. */
export function isDate(text: string): boolean {
  return date.test(text.replace(/[ ./_-]/g, ''));
}

type Place = readonly [row: number, column: number];

function placesOf(rows: readonly string[]): ReadonlyMap<string, Place> {
  return new Map(
    rows.flatMap((keys, row) => [...keys].map((key, column) => [key, [row, column]] as const)),
  );
}

function isWalk(text: string, places: ReadonlyMap<string, Place>): boolean {
  let walked = 0;
  let before: Place | undefined;
  for (const character of text) {
    const place = places.get(character);
    if (place === undefined) return false;
    if (before !== undefined && !areNeighbours(before, place)) {
      if (walked < shortestWalk) return false;
      walked = 0;
    }
    walked += 1;
    before = place;
  }
  return walked >= shortestWalk;
}

/** The same key, one beside it, or one that touches it in the row above or below. */
function areNeighbours([row, column]: Place, [otherRow, otherColumn]: Place): boolean {
  return Math.abs(row - otherRow) <= 1 && Math.abs(column - otherColumn) <= 1;
}
