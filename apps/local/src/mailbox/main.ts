import 'reflect-metadata';
import { runProcess } from '@app/process';
import { loadMailboxSettings } from './mailbox-settings.js';
import { startMailbox } from './start-mailbox.js';

runProcess('mailbox', async (log) => startMailbox(loadMailboxSettings(), log));
