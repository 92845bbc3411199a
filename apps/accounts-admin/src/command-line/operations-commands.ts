import { setTimeout as pause } from 'node:timers/promises';
import type { Json } from './admin-client.js';
import { rowsOf, segment } from './command.js';
import type { Command, CommandRun } from './command.js';
import { ProgressBar } from './progress-bar.js';
import { listOf, nextPage, tableOf, textOf } from './table.js';
import { UsageError } from './usage-error.js';

const POLL_MS = 300;

export const projectionCommands: readonly Command[] = [
  {
    name: 'projections list',
    summary: 'How those that follow the log are getting on',
    examples: ['projections list'],
    async run(run) {
      const answer = await run.client.call('GET', '/projections');
      run.show(answer, () =>
        tableOf(rowsOf(answer, 'projections'), [
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
      );
    },
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

export const failedEventCommands: readonly Command[] = [
  {
    name: 'events failed',
    summary: 'Events that a projection or a saga could not handle',
    options: { consumer: 'those of one consumer only, such as accounts' },
    examples: ['events failed', 'events failed --consumer activation-mail'],
    async run(run) {
      const answer = await run.client.call('GET', '/failed-events', {
        consumer: run.text('consumer'),
      });
      run.show(answer, () =>
        tableOf(rowsOf(answer, 'failedEvents'), [
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
      );
    },
  },
  {
    name: 'events retry',
    words: '<position>',
    summary: 'Try an event that fails again at once, in every consumer',
    examples: ['events retry 104729'],
    run: (run) => decide(run, 'retry'),
  },
  {
    name: 'events skip',
    words: '<position>',
    summary: 'Leave an event out of every consumer in which it fails, for good',
    options: { reason: 'why, for the record' },
    examples: ["events skip 104729 --reason 'written by a faulty import'"],
    async run(run) {
      const reason = run.text('reason');
      if (reason === undefined) throw new UsageError('Say why, with --reason.');
      if (!(await run.confirm('Leave this event out for good?'))) return;
      await decide(run, 'skip', { reason });
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
  async run(run) {
    const answer = await run.client.call('GET', '/statistics', {
      interval: run.text('interval'),
      from: run.text('from'),
      to: run.text('to'),
    });
    const rows = rowsOf(answer, 'intervals');
    const names = Object.keys(rows[0] ?? {}).filter((name) => name !== 'at');
    const busy = rows.filter((row) => names.some((name) => row[name] !== 0));
    run.show(answer, () =>
      tableOf(busy, [
        { title: 'FROM', value: (row) => row['at'] },
        ...names.map((name) => ({
          title: name.replace(/[A-Z]/g, (letter) => ` ${letter}`).toUpperCase(),
          align: 'right' as const,
          value: (row: Json) => row[name],
        })),
      ]),
    );
  },
};

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
    async run(run) {
      const answer = await run.client.call('GET', '/activation-mails', {
        status: run.text('status'),
        limit: run.text('limit'),
        cursor: run.text('cursor'),
      });
      run.show(
        answer,
        () =>
          tableOf(rowsOf(answer, 'activationMails'), [
            { title: 'MAIL', value: (row) => row['id'] },
            { title: 'STATUS', value: (row) => row['status'] },
            { title: 'ISSUED', value: (row) => row['issuedAt'] },
            { title: 'SENT', value: (row) => row['sentAt'] },
            { title: 'REASON', value: (row) => row['reason'] },
          ]) + nextPage(answer),
      );
    },
  },
  {
    name: 'mails retry',
    words: '<mail>',
    summary: 'Send a new code in place of one that could not be delivered',
    examples: ['mails retry 6f9619ff-8b86-8d01-b42d-00cf4fc964ff.1'],
    async run(run) {
      const path = `/activation-mails/${segment(run.text('mail'))}/retry`;
      const answer = await run.client.call('POST', path);
      run.show(answer, () => textOf(answer['message']));
    },
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
    async run(run) {
      const days = run.text('days');
      const answer = await run.client.call(
        'POST',
        '/keys',
        {},
        {
          label: run.text('label') ?? '',
          scopes: run.texts('scope'),
          ...(days !== undefined && { expiresInDays: Number(days) }),
        },
      );
      run.show(answer, () =>
        listOf([
          ['key', answer['key']],
          ['scopes', answer['scopes']],
          ['expires', answer['expiresAt']],
        ]),
      );
    },
  },
  {
    name: 'keys list',
    summary: 'All keys, without their secrets',
    examples: ['keys list'],
    async run(run) {
      const answer = await run.client.call('GET', '/keys');
      run.show(answer, () =>
        tableOf(rowsOf(answer, 'keys'), [
          { title: 'KEY', value: (row) => row['keyId'] },
          { title: 'LABEL', value: (row) => row['label'] },
          { title: 'CREATED', value: (row) => row['createdAt'] },
          { title: 'EXPIRES', value: (row) => row['expiresAt'] },
          { title: 'REVOKED', value: (row) => row['revokedAt'] },
          { title: 'SCOPES', value: (row) => row['scopes'] },
        ]),
      );
    },
  },
  {
    name: 'keys revoke',
    words: '<key>',
    summary: 'Refuse a key from now on',
    examples: ['keys revoke 1f2e3d4c5b6a7988'],
    async run(run) {
      const answer = await run.client.call('DELETE', `/keys/${segment(run.text('key'))}`);
      run.show(answer, () => `Revoked at ${textOf(answer['revokedAt'])}.`);
    },
  },
];

async function decide(run: CommandRun, decision: 'retry' | 'skip', body?: Json): Promise<void> {
  const path = `/failed-events/${segment(run.text('position'))}/${decision}`;
  const answer = await run.client.call('POST', path, {}, body);
  run.show(answer, () => textOf(answer['message']));
}

/** The rebuild ended without the new rows in place. */
class RebuildNotSwitched extends Error {
  override readonly name = 'RebuildNotSwitched';
}

async function rebuild(run: CommandRun): Promise<void> {
  const name = run.text('name') ?? '';
  const begun = await run.client.call('POST', `/projections/${segment(name)}/rebuild`, {
    whenDifferent: run.flag('switch-when-different') ? 'switch' : 'keep',
  });
  if (run.flag('no-wait')) {
    run.show(begun, () => textOf(begun['message']));
    return;
  }
  const bar = new ProgressBar(`Rebuilding ${name}`, run.progress);
  try {
    const ended = await untilEnded(run, name, begun['rebuildId'], bar);
    run.show(ended, () => outcomeOf(ended));
    if (ended['state'] === 'different') throw new RebuildNotSwitched(differenceOf(name, ended));
    if (ended['state'] !== 'switched') throw new RebuildNotSwitched('The old rows go on serving.');
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
      throw new RebuildNotSwitched('Another rebuild has begun; this one is over.');
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
  return listOf([
    ['outcome', rebuild['state']],
    ['events', rebuild['events']],
    ['before', digest(rebuild['before'])],
    ['after', digest(rebuild['after'])],
    ['error', rebuild['error']],
  ]);
}

function lagOf(lag: Json | null): string {
  if (lag === null) return '?';
  const { events, atLeast, seconds } = lag;
  return `${textOf(events)}${atLeast ? '+' : ''} (${textOf(seconds)} s)`;
}
