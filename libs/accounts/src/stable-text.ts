import { unassigned } from './unicode-table.js';

const assignedRuns = new RegExp(`${unassigned.source.replace('[', '[^')}+`, 'gu');

/**
 * NFC, the same on every Node: Unicode never changes how it normalises what it has assigned (Unicode Standard,
 * "Normalization Stability"). Code points that the table does not know stay as they are, because a newer
 * Node may compose them.
 */
export function stableNfc(text: string): string {
  return text.replace(assignedRuns, (run) => run.normalize('NFC'));
}
