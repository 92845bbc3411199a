import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { repositoryRoot } from '../support/process.js';

/** How many requirements each section of the chapters of OWASP ASVS 5.0 has that concern this service. */
const ASVS_SECTIONS: Readonly<Record<string, number>> = {
  ...{ '2.1': 3, '2.2': 3, '2.3': 5, '2.4': 2 },
  ...{ '4.1': 5, '4.2': 5, '4.3': 2, '4.4': 4 },
  ...{ '6.1': 3, '6.2': 12, '6.3': 8, '6.4': 6, '6.5': 8, '6.6': 4, '6.7': 2, '6.8': 4 },
  ...{ '11.1': 4, '11.2': 5, '11.3': 5, '11.4': 4, '11.5': 2, '11.6': 2, '11.7': 2 },
  ...{ '13.1': 4, '13.2': 6, '13.3': 4, '13.4': 7 },
  ...{ '14.1': 2, '14.2': 8, '14.3': 3 },
  ...{ '15.1': 5, '15.2': 5, '15.3': 7, '15.4': 4 },
  ...{ '16.1': 1, '16.2': 5, '16.3': 4, '16.4': 3, '16.5': 4 },
};
const ASVS_REQUIREMENTS = Object.entries(ASVS_SECTIONS).flatMap(([section, count]) =>
  Array.from({ length: count }, (_, index) => `${section}.${index + 1}`),
);

const STATUSES = ['met', 'deviates', 'not applicable'];
/** Of a deviation, or of what does not apply: a word is no reason. */
const SHORTEST_REASON = 20;

/** `file.spec.ts` or `test/edge/run.mjs`, and behind it the titles of tests in it, in quotation marks. */
const TEST_NAME = /`((?:[\w.-]+\/)*[\w.-]+(?:spec\.ts|\/run\.mjs|\.sh))`((?:,? "[^"]+")*)/g;

interface Tests {
  /** Of every file that can be named, from the top of the repository. */
  readonly paths: readonly string[];
  textOf(path: string): string;
}

/** What a page claims without naming a test that exists; empty when nothing. */
function faultsOf(page: string, tests: Tests): string[] {
  return [
    ...page.split(/^(?=##+ )/m).flatMap((section) => faultsOfSection(section)),
    ...[...page.matchAll(TEST_NAME)].flatMap(([, file = '', titles = '']) =>
      faultsOfTest(
        file,
        [...titles.matchAll(/"([^"]+)"/g)].map(([, title = '']) => title),
        tests,
      ),
    ),
  ];
}

function faultsOfSection(section: string): string[] {
  const heading = section.slice(0, section.indexOf('\n')).replace(/^#+ /, '');
  const lines = section.split('\n').filter((line) => line.startsWith('|'));
  const [header, , ...rows] = lines.map(cellsOf);
  const faults: string[] = [];
  if (header && !header.includes('Test') && !namesTest(section)) {
    faults.push(`${heading}: neither the table nor the text around it names a test`);
  }
  if (header?.includes('Test')) {
    for (const row of rows) {
      const cell = (name: string) => row[header.indexOf(name)] ?? '';
      const about = `${heading}: ${row[0]}`;
      const status = header.includes('Status') ? cell('Status') : 'met';
      const isReasoned = cell('How, or why not').length >= SHORTEST_REASON;
      if (!STATUSES.includes(status)) faults.push(`${about}: has no status`);
      else if (status === 'met' && !namesTest(cell('Test'))) faults.push(`${about}: names no test`);
      else if (status !== 'met' && !isReasoned) faults.push(`${about}: gives no reason`);
    }
  }
  if (heading === 'Bounds') {
    for (const bound of section.split(/^(?=\* )/m).slice(1)) {
      if (!namesTest(bound)) faults.push(`Bounds: ${bound.slice(2, 42)}: names no test`);
    }
  }
  return faults;
}

function faultsOfTest(file: string, titles: readonly string[], tests: Tests): string[] {
  const found = tests.paths.filter((path) => `/${path}`.endsWith(`/${file}`));
  const [path] = found;
  if (path === undefined) return [`there is no ${file}`];
  if (found.length > 1) return [`${file} is several files: ${found.join(', ')}`];
  const text = tests.textOf(path);
  return titles
    .filter((title) => !text.includes(title))
    .map((title) => `${file} has no "${title}"`);
}

function cellsOf(line: string): string[] {
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim());
}

function namesTest(text: string): boolean {
  return [...text.matchAll(TEST_NAME)].length > 0;
}

/** The requirements of ASVS that a table row answers: `6.2.1`, or `6.8.1 to 6.8.4`. */
function answeredBy(page: string): ReadonlySet<string> {
  const first = page
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => cellsOf(line)[0] ?? '')
    .join('\n');
  const ids = first.matchAll(/(?<![\d.])(\d+\.\d+)\.(\d+)(?: to \1\.(\d+))?(?![\d.]*\d)/g);
  return new Set(
    [...ids].flatMap(([, section = '', from = '', to = from]) =>
      Array.from(
        { length: Number(to) - Number(from) + 1 },
        (_, index) => `${section}.${Number(from) + index}`,
      ),
    ),
  );
}

const repository: Tests = {
  paths: ['apps', 'libs', 'test', 'docker'].flatMap((folder) =>
    readdirSync(join(repositoryRoot, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => !name.includes('node_modules'))
      .map((name) => `${folder}/${name}`),
  ),
  textOf: (path) => readFileSync(join(repositoryRoot, path), 'utf8'),
};

describe('The page about security', () => {
  const page = readFileSync(join(repositoryRoot, 'docs/security.md'), 'utf8');

  it('names a test that exists beside each of its claims, or says why there is none', () => {
    expect(faultsOf(page, repository)).toEqual([]);
  });

  it('answers each requirement of the chapters of ASVS that concern this service', () => {
    const answered = answeredBy(page);
    expect(ASVS_REQUIREMENTS.filter((id) => !answered.has(id))).toEqual([]);
  });
});

describe('The check of the page', () => {
  const tests: Tests = {
    paths: ['libs/a/one.spec.ts', 'libs/a/two.spec.ts', 'libs/b/two.spec.ts'],
    textOf: () => "it('is so', () => {",
  };
  const table = (...rows: readonly string[]) =>
    ['## Things', '| Claim | Status | How, or why not | Test |', '|---|---|---|---|', ...rows].join(
      '\n',
    );

  it.each([
    ['| 1 | met | so | `one.spec.ts` "is so" |', []],
    ['| 1 | deviates | because it was decided otherwise | |', []],
    ['| 1 | met | so | by hand |', ['Things: 1: names no test']],
    ['| 1 | deviates | no | |', ['Things: 1: gives no reason']],
    ['| 1 | perhaps | so | `one.spec.ts` |', ['Things: 1: has no status']],
    ['| 1 | met | so | `three.spec.ts` |', ['there is no three.spec.ts']],
    ['| 1 | met | so | `one.spec.ts` "is so" "is not" |', ['one.spec.ts has no "is not"']],
    [
      '| 1 | met | so | `two.spec.ts` |',
      ['two.spec.ts is several files: libs/a/two.spec.ts, libs/b/two.spec.ts'],
    ],
    ['| 1 | met | so | `b/two.spec.ts` |', []],
  ])('takes %s for %j', (row, faults) => {
    expect(faultsOf(table(row), tests)).toEqual(faults);
  });

  it('looks at bounds, and at tables without a column for tests', () => {
    expect(faultsOf('## Bounds\n\n* **One.** A.\n* **Two.** B `one.spec.ts`\n', tests)).toEqual([
      'Bounds: **One.** A.\n: names no test',
    ]);
    expect(faultsOf('## Events\n| Name |\n|---|\n| a |\n', tests)).toEqual([
      'Events: neither the table nor the text around it names a test',
    ]);
    expect(faultsOf('## Events\n`one.spec.ts`\n| Name |\n|---|\n| a |\n', tests)).toEqual([]);
  });

  it('knows which requirements a row answers', () => {
    expect([...answeredBy('| 6.2.1, 6.8.1 to 6.8.3 | 63B 3.1.1.2 |\n6.9.9\n| 11.2.10 |')]).toEqual([
      ...['6.2.1', '6.8.1', '6.8.2', '6.8.3', '11.2.10'],
    ]);
  });
});
