import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { NameTable, NOT_FOUND } from './name-table.js';
import { NumberColumn } from './number-column.js';
import { NumberLists } from './number-lists.js';

describe('a column of numbers', () => {
  it('gives back what was put in, across its chunks', () => {
    const column = new NumberColumn(Float64Array);
    for (let index = 0; index < 100_000; index += 1) column.push(index * 1_000_003);
    expect(column.length).toBe(100_000);
    expect(column.at(0)).toBe(0);
    expect(column.at(65_536)).toBe(65_536 * 1_000_003);
    expect(column.at(99_999)).toBe(99_999 * 1_000_003);
  });

  it('has zeros where nothing was set', () => {
    const column = new NumberColumn(Uint32Array);
    column.set(70_000, 7);
    expect([column.at(0), column.at(69_999), column.at(70_000), column.at(70_001)]).toEqual([
      0, 0, 7, 0,
    ]);
    expect(column.length).toBe(70_001);
  });
});

describe('a table of names', () => {
  it('numbers names in order of first appearance', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 20 })), (names) => {
        const table = new NameTable();
        const distinct = [...new Set(names)];
        for (const name of names) table.intern(Buffer.from(name));
        expect(table.size).toBe(distinct.length);
        for (const [number, name] of distinct.entries()) {
          expect(table.find(Buffer.from(name))).toBe(number);
          expect(table.nameOf(number)).toBe(name);
        }
      }),
    );
  });

  it('grows', () => {
    const table = new NameTable();
    for (let number = 0; number < 50_000; number += 1) table.intern(Buffer.from(`name-${number}`));
    expect(table.find(Buffer.from('name-49999'))).toBe(49_999);
    expect(table.find(Buffer.from('name-50000'))).toBe(NOT_FOUND);
  });
});

describe('lists of numbers', () => {
  it('keep each list in its own order however they are interleaved', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 400 }), (pushes) => {
        const lists = new NumberLists();
        const expected: number[][] = Array.from({ length: 6 }, () => []);
        for (const [value, list] of pushes.entries()) {
          lists.push(list, value);
          expected[list]!.push(value);
        }
        for (const [list, values] of expected.entries()) {
          expect(lists.lengthOf(list)).toBe(values.length);
          expect(values.map((_, index) => lists.at(list, index))).toEqual(values);
        }
      }),
    );
  });

  it('reach every entry of a long list', () => {
    const lists = new NumberLists();
    for (let value = 0; value < 200_000; value += 1) lists.push(3, value);
    for (const index of [0, 3, 4, 11, 12, 32_767, 65_535, 131_072, 199_999])
      expect(lists.at(3, index)).toBe(index);
  });
});
