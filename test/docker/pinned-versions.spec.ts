import { describe, expect, it } from '@jest/globals';
import { faultOf, knownVersions, pinnedVersions } from './pinned-versions.js';

const { checkedOn, ends } = knownVersions();
/** CI gives the day: an old checkout still passes its tests, and CI fails when a version has ended. */
const today = process.env['TODAY'] ?? checkedOn;

describe('Pinned versions', () => {
  it('are found in the compose files, the images and .nvmrc', () => {
    const names = [...new Set(pinnedVersions().map(({ name }) => name))];
    expect(names).toEqual(expect.arrayContaining(['node', 'debian', 'postgres', 'nginx']));
  });

  it('are mended upstream', () => {
    expect(pinnedVersions().flatMap((one) => faultOf(one, today, ends) ?? [])).toEqual([]);
  });

  it('are a fault from the day after their end, and where the table does not know them', () => {
    const known = { nginx: { '1.30': '2027-04-30' } };
    const pinned = { name: 'nginx', version: '1.30.2-bookworm', where: 'a file' };
    expect(faultOf(pinned, '2027-04-30', known)).toBeUndefined();
    expect(faultOf(pinned, '2027-05-01', known)).toBe(
      'a file: nginx 1.30.2-bookworm ended on 2027-04-30',
    );
    expect(faultOf({ ...pinned, version: '1.3' }, checkedOn, known)).toContain('does not know');
    expect(faultOf({ ...pinned, name: 'httpd' }, checkedOn, known)).toContain('does not know');
  });
});
