import { describe, expect, it } from '@jest/globals';
import { nodeFlags } from './node-flags.js';

describe('The flags of the processes', () => {
  it('are known to every Node that is supported', () => {
    expect(nodeFlags()).toEqual(['--no-memory-reducer', '--min-semi-space-size=8']);
  });

  it('leave out what this Node does not know: it would not start', () => {
    expect(nodeFlags(['--stack-size=900', '--of-a-day-to-come'])).toEqual(['--stack-size=900']);
  });
});
