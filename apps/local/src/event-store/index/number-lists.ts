import { NumberColumn } from './number-column.js';

const FIRST_EXTENT_LENGTH = 4;
const LAST_EXTENT_LENGTH = 1 << 15;

/**
 * Many growing lists of numbers in one column, found by list number. A list is a chain of extents of 4,
 * 8, 16, … entries, each headed by the place of the extent before it: a short list wastes little, a long
 * one is reached in few steps.
 */
export class NumberLists {
  private readonly storage = new NumberColumn(Uint32Array);
  private readonly lengths = new NumberColumn(Uint32Array);
  private readonly lastExtents = new NumberColumn(Uint32Array);

  lengthOf(list: number): number {
    return this.lengths.at(list);
  }

  push(list: number, value: number): void {
    const length = this.lengths.at(list);
    const { number, within } = locate(length);
    if (within === 0) this.addExtent(list, number);
    this.storage.set(this.lastExtents.at(list) + 1 + within, value);
    this.lengths.set(list, length + 1);
  }

  at(list: number, index: number): number {
    const wanted = locate(index);
    let extent = this.lastExtents.at(list);
    for (let number = locate(this.lengths.at(list) - 1).number; number > wanted.number; number -= 1)
      extent = this.storage.at(extent);
    return this.storage.at(extent + 1 + wanted.within);
  }

  private addExtent(list: number, number: number): void {
    const place = this.storage.length;
    this.storage.set(place + extentLength(number), 0);
    this.storage.set(place, this.lastExtents.at(list));
    this.lastExtents.set(list, place);
  }
}

function extentLength(number: number): number {
  return Math.min(FIRST_EXTENT_LENGTH * 2 ** number, LAST_EXTENT_LENGTH);
}

/** How many extents are shorter than the last ones. */
const GROWING_EXTENTS = Math.log2(LAST_EXTENT_LENGTH / FIRST_EXTENT_LENGTH);
const IN_GROWING_EXTENTS = FIRST_EXTENT_LENGTH * (2 ** GROWING_EXTENTS - 1);

/** Which extent an index lies in, and where in it. In one step: sorting long lists asks millions of times. */
function locate(index: number): { number: number; within: number } {
  if (index >= IN_GROWING_EXTENTS) {
    const beyond = index - IN_GROWING_EXTENTS;
    const number = GROWING_EXTENTS + Math.floor(beyond / LAST_EXTENT_LENGTH);
    return { number, within: beyond % LAST_EXTENT_LENGTH };
  }
  const number = 31 - Math.clz32(index / FIRST_EXTENT_LENGTH + 1);
  return { number, within: index - FIRST_EXTENT_LENGTH * (2 ** number - 1) };
}
