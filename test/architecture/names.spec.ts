import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

const root = join(import.meta.dirname, '../..');

/** What a file exports of its own: what it hands on from another file has its name there. */
function exportedBy(path: string): Set<string> {
  const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest);
  const names = file.statements.flatMap((statement): (ts.Node | undefined)[] => {
    if (ts.isExportDeclaration(statement)) {
      const { exportClause, moduleSpecifier } = statement;
      const isOwn = !moduleSpecifier && exportClause && ts.isNamedExports(exportClause);
      return isOwn ? exportClause.elements.map(({ name }) => name) : [];
    }
    if (!ts.canHaveModifiers(statement)) return [];
    const modifiers = ts.getModifiers(statement) ?? [];
    if (!modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return [];
    if (ts.isVariableStatement(statement)) {
      return statement.declarationList.declarations.map(({ name }) => name);
    }
    return [(statement as ts.DeclarationStatement).name];
  });
  return new Set(names.flatMap((name) => name?.getText(file) ?? []));
}

/** The names that more than one file of the apps and libs in a folder exports, with those files. */
function sharedNamesIn(folder: string): Record<string, string[]> {
  const homes = new Map<string, string[]>();
  const sources = ['apps', 'libs']
    .flatMap((room) =>
      readdirSync(join(folder, room), { recursive: true }).map((path) => `${room}/${path}`),
    )
    .filter((path) => /\.m?ts$|\.mjs$/.test(path));
  for (const path of sources) {
    for (const name of exportedBy(join(folder, path))) {
      homes.set(name, [...(homes.get(name) ?? []), path].sort());
    }
  }
  return Object.fromEntries([...homes].filter(([, paths]) => paths.length > 1));
}

describe('A name', () => {
  it('means one exported thing in all apps and libraries', () => {
    expect(sharedNamesIn(root)).toEqual({});
  });

  it('that means two is found where it was planted; a type and a value of one file are one thing', () => {
    expect(sharedNamesIn(join(import.meta.dirname, 'planted'))).toEqual({
      knows: ['libs/event-store/src/knows-accounts.ts', 'libs/process/src/knows-a-process.ts'],
    });
  });
});
