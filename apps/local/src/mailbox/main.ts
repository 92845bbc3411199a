import 'reflect-metadata';
import { runProcess } from '@app/process';
import { loadMailboxSettings } from './mailbox-settings.js';
import { startMailbox } from './start-mailbox.js';

// Of the stack in containers, where nothing else can leave the mailbox out.
if (process.env['EMAIL_API_URL']) {
  process.stdout.write('EMAIL_API_URL names the e-mail provider: there is no mailbox\n');
} else {
  runProcess('mailbox', async (log) => startMailbox(loadMailboxSettings(), log));
}
