import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { repositoryRoot } from '../support/process.js';

const documents = documentsIn('');

describe('The documents', () => {
  it('link to files that exist', () => {
    const broken = documents.flatMap((document) =>
      linksOf(document).flatMap((link) =>
        existsSync(join(repositoryRoot, dirname(document), link)) ? [] : [`${document}: ${link}`],
      ),
    );
    expect(broken).toEqual([]);
  });

  it('keep README on a page', () => {
    const lines = readFileSync(join(repositoryRoot, 'README.md'), 'utf8').trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(120);
  });
});

/** Paths without their anchors. */
function linksOf(document: string): string[] {
  const text = readFileSync(join(repositoryRoot, document), 'utf8');
  return [...text.matchAll(/\]\((?![a-z]+:|#)([^)#]+)/g)].map(([, path = '']) => path);
}

function documentsIn(folder: string): string[] {
  return readdirSync(join(repositoryRoot, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (/^(\.|node_modules$|dist$)/.test(entry.name)) return [];
    if (entry.isDirectory()) return documentsIn(path);
    return path.endsWith('.md') ? [path] : [];
  });
}
