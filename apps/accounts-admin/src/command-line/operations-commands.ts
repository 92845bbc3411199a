import { setTimeout as pause } from 'node:timers/promises';
import type { Json } from './admin-client.js';
import {
  membersFor,
  messageFor,
  optionsOf,
  pageFor,
  pathOf,
  rowsOf,
  showAnswer,
} from './command.js';
import type { Command, CommandRun } from './command.js';
import { ProgressBar } from './progress-bar.js';
import { tableOf, textOf } from './table.js';
import { UsageError } from './usage-error.js';

const POLL_MS = 300;

export const projectionCommands: readonly Command[] = [
  {
    name: 'projections list',
    summary: 'How those that follow the log are getting on',
    examples: ['projections list'],
    run: showAnswer(
      'GET /projections',
      pageFor('projections', [
        { title: 'NAME', value: (row) => row['name'] },
        { title: 'KIND', value: (row) => row['kind'] },
        { title: 'STATE', value: (row) => row['state'] },
        { title: 'POSITION', align: 'right', value: (row) => row['position'] },
        { title: 'BEHIND', align: 'right', value: (row) => lagOf(row['lag'] as Json | null) },
        { title: 'EVENTS/S', align: 'right', value: (row) => row['eventsPerSecond'] },
        { title: 'REBUILD', value: (row) => (row['rebuild'] as Json | null)?.['state'] },
        {
          title: 'TROUBLE',
          value: (row) => (row['failing'] as Json | null)?.['error'] ?? row['lastError'],
        },
      ]),
    ),
  },
  {
    name: 'projections rebuild',
    words: '<name>',
    summary: 'Build the rows of a projection anew while the old ones serve',
    flags: {
      'switch-when-different': 'take the new rows although they differ from the old',
      'no-wait': 'only begin it',
    },
    examples: ['projections rebuild accounts', 'projections rebuild statistics --no-wait --json'],
    run: rebuild,
  },
];

const skip = showAnswer('POST /failed-events/{position}/skip', messageFor, undefined, (run) =>
  optionsOf(run, 'reason'),
);

export const failedEventCommands: readonly Command[] = [
  {
    name: 'events failed',
    summary: 'Events that a projection or a saga could not handle',
    options: { consumer: 'those of one consumer only, such as accounts' },
    examples: ['events failed', 'events failed --consumer activation-mail'],
    run: showAnswer(
      'GET /failed-events',
      pageFor('failedEvents', [
        { title: 'POSITION', align: 'right', value: (row) => row['position'] },
        { title: 'CONSUMER', value: (row) => row['consumer'] },
        { title: 'STATUS', value: (row) => row['status'] },
        { title: 'TYPE', value: (row) => row['type'] },
        { title: 'STREAM', value: (row) => row['streamName'] },
        { title: 'TRIES', align: 'right', value: (row) => row['attempts'] },
        { title: 'ERROR', value: (row) => row['error'] },
        { title: 'DECIDED BY', value: (row) => row['decidedBy'] },
        { title: 'BECAUSE', value: (row) => row['reason'] },
      ]),
      (run) => optionsOf(run, 'consumer'),
    ),
  },
  {
    name: 'events retry',
    words: '<position>',
    summary: 'Try an event that fails again at once, in every consumer',
    examples: ['events retry 104729'],
    run: showAnswer('POST /failed-events/{position}/retry', messageFor),
  },
  {
    name: 'events skip',
    words: '<position>',
    summary: 'Leave an event out of every consumer in which it fails, for good',
    options: { reason: 'why, for the record' },
    examples: ["events skip 104729 --reason 'written by a faulty import'"],
    async run(run) {
      if (run.text('reason') === undefined) throw new UsageError('Say why, with --reason.');
      if (!(await run.confirm('Leave this event out for good?'))) return;
      await skip(run);
    },
  },
];

export const statisticsCommand: Command = {
  name: 'statistics',
  summary: 'How often what happened',
  options: {
    interval: 'minute, hour (default) or day, in UTC',
    from: 'from the interval of this time (ISO 8601) on; 60 intervals when left out',
    to: 'up to and with the interval of this time; now when left out',
  },
  examples: ['statistics --interval day', 'statistics --interval minute --json'],
  run: showAnswer('GET /statistics', busyIntervalsFor, (run) =>
    optionsOf(run, 'interval', 'from', 'to'),
  ),
};

function busyIntervalsFor(answer: Json): string {
  const rows = rowsOf(answer, 'intervals');
  const names = Object.keys(rows[0] ?? {}).filter((name) => name !== 'at');
  const busy = rows.filter((row) => names.some((name) => row[name] !== 0));
  return tableOf(busy, [
    { title: 'FROM', value: (row) => row['at'] },
    ...names.map((name) => ({
      title: name.replace(/[A-Z]/g, (letter) => ` ${letter}`).toUpperCase(),
      align: 'right' as const,
      value: (row: Json) => row[name],
    })),
  ]);
}

export const mailCommands: readonly Command[] = [
  {
    name: 'mails list',
    summary: 'What became of the mail of each activation code',
    options: {
      status: 'issued, sent, undeliverable or obsolete',
      limit: 'most mails on the page (50; at most 200)',
      cursor: 'continues after an earlier page',
    },
    examples: ['mails list --status undeliverable'],
    run: showAnswer(
      'GET /activation-mails',
      pageFor('activationMails', [
        { title: 'MAIL', value: (row) => row['id'] },
        { title: 'STATUS', value: (row) => row['status'] },
        { title: 'ISSUED', value: (row) => row['issuedAt'] },
        { title: 'SENT', value: (row) => row['sentAt'] },
        { title: 'REASON', value: (row) => row['reason'] },
      ]),
      (run) => optionsOf(run, 'status', 'limit', 'cursor'),
    ),
  },
  {
    name: 'mails retry',
    words: '<mail>',
    summary: 'Send a new code in place of one that could not be delivered',
    examples: ['mails retry 6f9619ff-8b86-8d01-b42d-00cf4fc964ff.1'],
    run: showAnswer('POST /activation-mails/{mail}/retry', messageFor),
  },
];

export const keyCommands: readonly Command[] = [
  {
    name: 'keys create',
    summary: 'Make a key of the admin API; it is shown this once',
    options: {
      label: 'whose key it is, or what for',
      scope: 'what it may do, such as accounts:read; can be given several times',
      days: 'when it expires, in days from now (90; at most 365, and not after your own key)',
    },
    examples: ["keys create --label 'Grace' --scope accounts:read --scope history:read --days 30"],
    run: showAnswer(
      'POST /keys',
      ({ key, scopes, expiresAt }) => membersFor({ key, scopes, expires: expiresAt }),
      undefined,
      (run) => {
        const days = run.text('days');
        return {
          label: run.text('label') ?? '',
          scopes: run.texts('scope'),
          ...(days !== undefined && { expiresInDays: Number(days) }),
        };
      },
    ),
  },
  {
    name: 'keys list',
    summary: 'All keys, without their secrets',
    examples: ['keys list'],
    run: showAnswer(
      'GET /keys',
      pageFor('keys', [
        { title: 'KEY', value: (row) => row['keyId'] },
        { title: 'LABEL', value: (row) => row['label'] },
        { title: 'CREATED', value: (row) => row['createdAt'] },
        { title: 'EXPIRES', value: (row) => row['expiresAt'] },
        { title: 'REVOKED', value: (row) => row['revokedAt'] },
        { title: 'SCOPES', value: (row) => row['scopes'] },
      ]),
    ),
  },
  {
    name: 'keys revoke',
    words: '<key>',
    summary: 'Refuse a key from now on',
    examples: ['keys revoke 1f2e3d4c5b6a7988'],
    run: showAnswer('DELETE /keys/{key}', ({ revokedAt }) => `Revoked at ${textOf(revokedAt)}.`),
  },
];

async function rebuild(run: CommandRun): Promise<void> {
  const name = run.text('name') ?? '';
  const begun = await run.client.call('POST', pathOf(run, '/projections/{name}/rebuild'), {
    whenDifferent: run.flag('switch-when-different') ? 'switch' : 'keep',
  });
  if (run.flag('no-wait')) {
    run.show(begun, () => messageFor(begun));
    return;
  }
  const bar = new ProgressBar(`Rebuilding ${name}`, run.progress);
  try {
    const ended = await untilEnded(run, name, begun['rebuildId'], bar);
    run.show(ended, () => outcomeOf(ended));
    if (ended['state'] === 'different') throw new Error(differenceOf(name, ended));
    if (ended['state'] !== 'switched') throw new Error('The old rows go on serving.');
  } finally {
    bar.end();
  }
}

async function untilEnded(
  run: CommandRun,
  name: string,
  rebuildId: unknown,
  bar: ProgressBar,
): Promise<Json> {
  for (;;) {
    const answer = await run.client.call('GET', '/projections');
    const projection = rowsOf(answer, 'projections').find((row) => row['name'] === name);
    const current = projection?.['rebuild'] as Json | null | undefined;
    if (!current || current['rebuildId'] !== rebuildId) {
      throw new Error('Another rebuild has begun; this one is over.');
    }
    if (current['state'] !== 'building' && current['state'] !== 'comparing') return current;
    const left = current['secondsLeft'];
    const note = `${textOf(current['events'])} events, ${textOf(current['eventsPerSecond'])}/s`;
    bar.update(
      Number(current['fraction']),
      left === null ? note : `${note}, ${textOf(left)} s left`,
    );
    await pause(POLL_MS);
  }
}

/** What was found, and what to type. */
function differenceOf(name: string, { before, after }: Json): string {
  const found = Number((before as Json)['rows']);
  const made = Number((after as Json)['rows']);
  const what =
    found === made
      ? `The table has ${found} rows, as many as the log makes, and some of them differ`
      : `The table has ${found} rows, and the log makes ${made}`;
  return (
    `${what}: the old rows go on serving. When the log is whole, take the new ones with\n` +
    `projections rebuild ${name} --switch-when-different`
  );
}

function outcomeOf(rebuild: Json): string {
  const digest = (of: unknown) => {
    const { rows, checksum } = (of ?? {}) as Json;
    return `${textOf(rows)} rows, checksum ${textOf(checksum)}`;
  };
  const { state, events, before, after, error } = rebuild;
  return membersFor({
    outcome: state,
    events,
    before: digest(before),
    after: digest(after),
    error,
  });
}

function lagOf(lag: Json | null): string {
  if (lag === null) return '?';
  const { events, atLeast, seconds } = lag;
  return `${textOf(events)}${atLeast ? '+' : ''} (${textOf(seconds)} s)`;
}
