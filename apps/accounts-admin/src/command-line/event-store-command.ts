import { loadConfiguration, processSettings, setting } from '@app/process';
import * as z from 'zod';
import type { Command } from './command.js';

const password = () => setting.secret(z.string().min(12, 'must have 12 characters or more'));

export const eventStoreCommand: Command = {
  name: 'event-store prepare',
  summary:
    'Make users of the event store for the product and for auditors; once, as its administrator',
  flags: { print: 'only show what it does' },
  examples: ['event-store prepare --print'],
  async run({ terminal: { access, env }, confirm, flag, line }) {
    const { ACCESS_PLAN, prepareAccess } = await access();
    for (const [index, step] of ACCESS_PLAN.entries()) line(`${index + 1}. ${step}`);
    if (flag('print')) return;
    const settings = loadConfiguration(
      {
        EVENTSTORE_URL: processSettings.EVENTSTORE_URL,
        EVENTSTORE_PRODUCT_PASSWORD: password(),
        EVENTSTORE_AUDITOR_PASSWORD: password(),
      },
      env,
    );
    const question = 'Step 4 holds for the whole database, also for what others keep in it. Go on?';
    if (!(await confirm(question))) return line('Nothing was changed.');
    await prepareAccess({
      url: settings.EVENTSTORE_URL,
      productPassword: settings.EVENTSTORE_PRODUCT_PASSWORD,
      auditorPassword: settings.EVENTSTORE_AUDITOR_PASSWORD,
      say: line,
    });
  },
};
