import { describe, expect, it } from '@jest/globals';
import { BucketNames } from './bucket-names.js';

describe('Names of buckets', () => {
  const names = new BucketNames(Buffer.alloc(32, 1));

  it('differ by limit, caller and secret, and reveal none of them', () => {
    const all = [
      names.nameOf('mails', 'ada'),
      names.nameOf('mails', 'eve'),
      names.nameOf('registrations', 'ada'),
      names.nameOf('mails', 'ada', 'ada'),
      new BucketNames(Buffer.alloc(32, 2)).nameOf('mails', 'ada'),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(all.join()).not.toMatch(/mails|ada|eve/);
  });

  it('are the same in the next release, which counts on', () => {
    expect(names.nameOf('mails', 'ada')).toBe('cLN5DuJ4qjK5KhcgSDE_-2fZ');
    expect(names.nameOf('mails', 'ada', 'ada')).toBe(
      '0tO82ZN_2gOLbzO9Vg79IJrW/cLN5DuJ4qjK5KhcgSDE_-2fZ',
    );
  });

  it('begin alike where they concern one address, and only there', () => {
    const ofAda = ['home', 'train'].map((caller) => names.nameOf('mails', caller, 'ada'));
    for (const name of ofAda) expect(name.startsWith(names.beginningOf('ada'))).toBe(true);
    for (const other of [names.nameOf('mails', 'home'), names.nameOf('mails', 'home', 'ad')]) {
      expect(other.startsWith(names.beginningOf('ada'))).toBe(false);
    }
  });
});
