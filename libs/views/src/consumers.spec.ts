import { readFileSync } from 'node:fs';
import { moveCheckpoint } from '@app/consumers/checkpoints.js';
import { liveTable } from '@app/consumers';
import type { Queryable } from '@app/postgres';
import { describe, expect, it } from '@jest/globals';
import { consumers } from './consumers.js';
import type { Consumer } from './consumers.js';

const document = readFileSync(new URL('../../../docs/events.md', import.meta.url), 'utf8');

describe('The consumers of the log', () => {
  it('have names of their own', () => {
    const names = consumers.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it('have statements with names that PostgreSQL keeps whole', async () => {
    const names: string[] = [];
    const database: Queryable = {
      async query({ name = '' }) {
        names.push(name);
        return { rows: [], rowCount: 1 };
      },
    };
    for (const consumer of consumers) {
      if (consumer.kind === 'saga') continue;
      // As rowProjection names what it writes.
      const write = { name: `rows after, ${liveTable(consumer)}`, text: '' };
      await moveCheckpoint(database, consumer.name, 1n, 2n, { write, isSilent: true });
    }
    expect(names.length).toBeGreaterThan(3);
    expect(names.filter((name) => Buffer.byteLength(name) > 63)).toEqual([]);
  });

  it('are those of the table in docs/events.md', () => {
    const table = document.slice(document.indexOf('## Who reads them'));
    const rows = table
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split(' | ').slice(0, 4).join(' | '));
    expect(rows).toEqual(consumers.map(asDocumented));
  });
});

function asDocumented(consumer: Consumer): string {
  const { name, kind, eventTypes } = consumer;
  const types = [...eventTypes].map((type) => `\`${type}\``).join(', ');
  return `| \`${name}\` | ${kind} | ${personalData(consumer)} | ${types}`;
}

function personalData(consumer: Consumer): string {
  if (consumer.kind === 'saga') return 'no rows';
  return consumer.holdsPersonalData ? 'yes' : 'no';
}
