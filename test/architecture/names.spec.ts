import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

const root = join(import.meta.dirname, '../..');

/**
 * What a file exports of its own: what it hands on from another file has its name there.
 *
 * @param valuesOnly leaves types out, which describe what other exports take and give
 */
function exportedBy(path: string, { valuesOnly = false } = {}): Set<string> {
  const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest);
  const names = file.statements.flatMap((statement): (ts.Node | undefined)[] => {
    if (ts.isExportDeclaration(statement)) {
      const { exportClause, moduleSpecifier } = statement;
      const isOwn = !moduleSpecifier && exportClause && ts.isNamedExports(exportClause);
      return isOwn ? exportClause.elements.map(({ name }) => name) : [];
    }
    if (!ts.canHaveModifiers(statement)) return [];
    if (
      valuesOnly &&
      (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement))
    )
      return [];
    const modifiers = ts.getModifiers(statement) ?? [];
    if (!modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return [];
    if (ts.isVariableStatement(statement)) {
      return statement.declarationList.declarations.flatMap(({ name }) =>
        ts.isObjectBindingPattern(name) ? name.elements.map((element) => element.name) : [name],
      );
    }
    return [(statement as ts.DeclarationStatement).name];
  });
  return new Set(names.flatMap((name) => name?.getText(file) ?? []));
}

function sourcesIn(folder: string, rooms: readonly string[]): string[] {
  return rooms
    .flatMap((room) =>
      readdirSync(join(folder, room), { recursive: true }).map((path) => `${room}/${path}`),
    )
    .filter((path) => /(?<!\.d)\.m?ts$|\.mjs$/.test(path) && !path.includes('/dist/'));
}

/** The names that more than one file of the apps and libs in a folder exports, with those files. */
function sharedNamesIn(folder: string): Record<string, string[]> {
  const homes = new Map<string, string[]>();
  for (const path of sourcesIn(folder, ['apps', 'libs'])) {
    for (const name of exportedBy(join(folder, path))) {
      homes.set(name, [...(homes.get(name) ?? []), path].sort());
    }
  }
  return Object.fromEntries([...homes].filter(([, paths]) => paths.length > 1));
}

/** The values that a file of the apps and libs exports, and no other file names. */
function unusedExportsIn(folder: string, rooms: readonly string[]): string[] {
  const wordsOf = new Map(
    sourcesIn(folder, rooms).map((path) => [
      path,
      new Set(readFileSync(join(folder, path), 'utf8').match(/[\w$]+/g)),
    ]),
  );
  const isNamedBeside = (path: string, name: string) =>
    [...wordsOf].some(
      ([other, words]) => other !== path && !other.endsWith('/src/index.ts') && words.has(name),
    );
  return sourcesIn(folder, ['apps', 'libs']).flatMap((path) =>
    [...exportedBy(join(folder, path), { valuesOnly: true })]
      .filter((name) => !isNamedBeside(path, name))
      .map((name) => `${path}: ${name}`),
  );
}

describe('A name', () => {
  it('means one exported thing in all apps and libraries', () => {
    expect(sharedNamesIn(root)).toEqual({});
  });

  it('is exported only where another file uses it', () => {
    expect(unusedExportsIn(root, ['apps', 'libs', 'test', 'docker'])).toEqual([]);
  });

  it('that no other file uses is found where it was planted', () => {
    const planted = join(import.meta.dirname, 'planted');
    expect(unusedExportsIn(planted, ['apps', 'libs'])).toContain(
      'libs/postgres/src/second-home.ts: pool',
    );
  });

  it('that means two is found where it was planted; a type and a value of one file are one thing', () => {
    expect(sharedNamesIn(join(import.meta.dirname, 'planted'))).toEqual({
      knows: ['libs/event-store/src/knows-accounts.ts', 'libs/process/src/knows-a-process.ts'],
    });
  });
});
