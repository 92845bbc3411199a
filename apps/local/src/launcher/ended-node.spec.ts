import { describe, expect, it } from '@jest/globals';
import { endedNode } from './ended-node.js';

const ends = { '20': '2026-04-30', '24': '2028-04-30' };

describe('A version of Node', () => {
  it.each(['20.19.0', '20.20.2'])('that has ended is named: %s', (version) => {
    expect(endedNode(version, '2026-05-01', ends)).toBe(
      `Node ${version} works, but its support ended on 2026-04-30: take Node 24.`,
    );
  });

  it('that is mended until today, later, or whose end is not known, is not', () => {
    expect(endedNode('20.20.2', '2026-04-30', ends)).toBeUndefined();
    expect(endedNode('24.22.3', '2026-05-01', ends)).toBeUndefined();
    expect(endedNode('28.0.0', '2026-05-01', ends)).toBeUndefined();
  });

  it('has its end in the table of the documents', () => {
    expect(endedNode('20.19.0', '2026-11-29')).toContain('2026-04-30');
    expect(endedNode('24.0.0', '2026-11-29')).toBeUndefined();
  });
});
