import { loadConfiguration } from '@app/process';
import {
  loginsSettingTypes,
  namedLogins,
  prepareLogins,
  prepareSettingTypes,
  prepareStatements,
  usualLogins,
} from '@app/postgres';
import type { Command } from './command.js';

export const databaseCommand: Command = {
  name: 'database prepare',
  summary:
    'Make a login for each process in PostgreSQL; as its administrator, again for new passwords',
  flags: { print: 'only show the SQL, for servers whose administrator is elsewhere' },
  examples: ['database prepare --print'],
  async run({ terminal: { connectDatabase, env }, confirm, flag, line }) {
    const named = loadConfiguration(loginsSettingTypes, env);
    const ofProcesses = namedLogins(named);
    const owner = named.DATABASE_ROLE_OWNER ?? usualLogins.owner;
    const logins = { ...usualLogins, ...ofProcesses, owner };
    if (flag('print')) {
      for (const statement of prepareStatements(logins)) line(`${statement};`);
      for (const login of Object.values(logins))
        line(`-- then a password, in psql: \\password ${login}`);
      return;
    }
    if (ofProcesses === undefined) {
      return line('DATABASE_ROLE_API, _WORKER and _ADMIN name no logins: one has all rights.');
    }
    const settings = loadConfiguration(prepareSettingTypes, env);
    if (!(await confirm(`Make the logins ${Object.values(logins).join(', ')}?`))) {
      return line('Nothing was changed.');
    }
    const database = await connectDatabase(settings.DATABASE_URL);
    try {
      await prepareLogins(database, logins, {
        owner: settings.DATABASE_PASSWORD_OWNER,
        api: settings.DATABASE_PASSWORD_API,
        worker: settings.DATABASE_PASSWORD_WORKER,
        admin: settings.DATABASE_PASSWORD_ADMIN,
      });
    } finally {
      await database.close();
    }
    line(
      `The logins are there: ${Object.values(logins).join(', ')}. Their rights come from migrate.`,
    );
  },
};
