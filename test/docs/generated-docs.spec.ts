import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { accountEventDefinitions } from '@app/accounts';
import { repositoryRoot } from '../support/process.js';

/** What documents say that the code says already, by file and name; `npm run docs` writes it. */
const generated: readonly (readonly [file: string, name: string, text: () => string])[] = [
  ['docs/events.md', 'events', eventTable],
];

describe('A document', () => {
  for (const [file, name, text] of generated) {
    it(`tells the ${name} as the code defines them: ${file}`, () => {
      const path = join(repositoryRoot, file);
      const before = readFileSync(path, 'utf8');
      const marks = new RegExp(`(<!-- ${name}: npm run docs -->\n\n)[^]*?(\n\n<!-- end -->)`);
      expect(before).toMatch(marks);
      const after = before.replace(marks, (_, begin: string, end: string) => begin + text() + end);
      if (process.env['WRITE_DOCS'] === 'yes') writeFileSync(path, after);
      else expect(before).toBe(after);
    });
  }
});

function eventTable(): string {
  const rows = accountEventDefinitions.map(([type, { fields, meaning }]) => {
    const data = Object.entries(fields).map(([name, { kind, isPersonal, note }]) => {
      const words = kind.name === 'word' ? kind.words.map((word) => `\`${word}\``).join(', ') : '';
      const remark = [words, note].filter(Boolean).join('; ');
      return `\`${name}\`${isPersonal ? '\\*' : ''}${remark && ` (${remark})`}`;
    });
    return `| \`${type}\` | ${data.join(', ')} | ${meaning} |`;
  });
  return ['| Event | Data | When |', '|---|---|---|', ...rows].join('\n');
}
