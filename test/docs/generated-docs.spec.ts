import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { accountEventDefinitions } from '@app/accounts';
import { loginsSettingTypes, migrateSettingTypes, prepareSettingTypes } from '@app/postgres';
import { databaseRoles, functionRights, tableRights } from '@app/postgres/rights.js';
import * as z from 'zod';
import { adminSettingTypes } from '../../apps/accounts-admin/src/accounts-admin.settings.js';
import { apiSettingTypes } from '../../apps/accounts-api/src/accounts-api.settings.js';
import { workerSettingTypes } from '../../apps/accounts-worker/src/accounts-worker.settings.js';
import { launcherSettingTypes } from '../../apps/local/src/launcher/launcher-settings.js';
import { repositoryRoot } from '../support/process.js';

/** What documents say that the code says already, by file and name; `npm run docs` writes it. */
const generated: readonly (readonly [file: string, name: string, text: () => string])[] = [
  ['docs/events.md', 'events', eventTable],
  ['docs/settings.md', 'settings', settingTable],
  ['docs/security.md', 'rights', rightsTable],
  ['docs/adr/README.md', 'decisions', decisionTable],
  ['docs/architecture.md', 'rooms', importPicture],
  ['README.md', 'rooms', roomTable],
];

describe('A document', () => {
  for (const [file, name, text] of generated) {
    it(`lists the ${name} as the code defines them: ${file}`, () => {
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

interface Room {
  readonly holds: string;
  readonly enters: readonly string[];
}

const { ROOMS } = createRequire(import.meta.url)('../architecture/rooms.cjs') as {
  readonly ROOMS: Readonly<Record<string, Room>>;
};

type SettingTypes = Readonly<Record<string, z.ZodType>>;

const processes: readonly (readonly [
  name: string,
  settings: SettingTypes,
  elsewhere?: SettingTypes,
])[] = [
  ['api', apiSettingTypes(true), apiSettingTypes(false)],
  ['worker', workerSettingTypes],
  ['admin', adminSettingTypes],
  ['`npm start`', launcherSettingTypes],
  ['migrate', migrateSettingTypes],
  ['`database prepare`', { ...loginsSettingTypes, ...prepareSettingTypes }],
];

function settingTable(): string {
  const names = new Set(processes.flatMap(([, settings]) => Object.keys(settings)));
  const rows = [...names].map((name) => {
    const readers = processes.filter(([, settings]) => name in settings);
    const presets = new Set(
      readers.map(([process, settings, elsewhere]) => {
        const preset = presetOf(settings[name]);
        const other = elsewhere && presetOf(elsewhere[name]);
        if (other !== undefined && other !== preset)
          return `${preset} in production, else ${other}`;
        const isAlone = new Set(readers.map(([, each]) => presetOf(each[name]))).size === 1;
        return isAlone ? preset : `${preset} (${process})`;
      }),
    );
    const meaning = readers.map(([, settings]) => settings[name]?.description).find(Boolean);
    if (meaning === undefined) throw new Error(`${name} does not say what it means`);
    return `| \`${name}\` | ${[...presets].join(', ')} | ${readers.map(([process]) => process).join(', ')} | ${meaning} |`;
  });
  return ['| Setting | Default | Read by | Meaning |', '|---|---|---|---|', ...rows].join('\n');
}

/** Empty where there is none. */
function presetOf(type: z.ZodType | undefined): string {
  if (type instanceof z.ZodDefault) {
    const { defaultValue } = type.def as { readonly defaultValue: unknown };
    return typeof defaultValue === 'object' ? '' : `\`${String(defaultValue)}\``;
  }
  return type instanceof z.ZodOptional ? 'none' : '';
}

function decisionTable(): string {
  const folder = join(repositoryRoot, 'docs/adr');
  const rows = readdirSync(folder)
    .filter((name) => /^\d{4}-/.test(name))
    .sort()
    .map((name) => {
      const text = readFileSync(join(folder, name), 'utf8');
      const [, number, title] = /^# (\d+)\. (.+)$/m.exec(text) ?? [];
      const [, date, status] = /^Date: (\d{4}-\d\d-\d\d)\. Status: (.+)\.$/m.exec(text) ?? [];
      if (!number || !date) throw new Error(`${name} lacks its number, title, date or status`);
      return `| ${number} | [${title}](${name}) | ${date} | ${status} |`;
    });
  return ['| | Decision | Date | Status |', '|---|---|---|---|', ...rows].join('\n');
}

function rightsTable(): string {
  const tables = Object.entries(tableRights).map(([table, grants]) => {
    const cells = databaseRoles.map((role) => (grants[role] ?? []).join(', ').toLowerCase());
    return `| \`${table}\` | ${cells.join(' | ')} |`;
  });
  const functions = Object.entries(functionRights).map(([name, roles]) => {
    const cells = databaseRoles.map((role) => (roles.includes(role) ? 'execute' : ''));
    return `| \`${name}\` | ${cells.join(' | ')} |`;
  });
  const header = `| Table or function | ${databaseRoles.join(' | ')} |`;
  return [header, '|---|---|---|---|', ...tables, ...functions].join('\n');
}

/** Imports between rooms as they are in the code, specs aside. */
function importPicture(): string {
  const edges = ['apps', 'libs'].flatMap((side) =>
    readdirSync(join(repositoryRoot, side)).flatMap((room) =>
      roomsImportedBy(join(repositoryRoot, side, room, 'src')).flatMap((other) =>
        other === room ? [] : [`  ${room} --> ${other}`],
      ),
    ),
  );
  return ['```mermaid', 'flowchart TD', ...edges, '```'].join('\n');
}

function roomsImportedBy(folder: string): string[] {
  const found = new Set<string>();
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!/(?<!spec|contract)\.ts$/.test(file) || file.split(/[\\/]/).includes('testing')) continue;
    const text = readFileSync(join(folder, file), 'utf8');
    for (const [, room = ''] of text.matchAll(/from '@app\/([\w-]+)/g)) found.add(room);
  }
  return [...found].sort();
}

function roomTable(): string {
  const rows = Object.entries(ROOMS).map(([room, { holds, enters }]) => {
    const others = enters.map((other) => `\`${other}\``).join(', ') || 'nothing';
    return `| [\`libs/${room}\`](libs/${room}/src) | ${holds} | ${others} |`;
  });
  return ['| Room | Holds | May import |', '|---|---|---|', ...rows].join('\n');
}
