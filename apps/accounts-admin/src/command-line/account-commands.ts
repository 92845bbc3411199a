import { membersFor, optionsOf, pageFor, pathOf, rowsOf, showAnswer } from './command.js';
import type { Command, CommandRun } from './command.js';
import type { Json } from './admin-client.js';
import { ACCOUNT, auditOptions, showAudit, verifyOne } from './evidence-commands.js';
import { ProgressBar } from './progress-bar.js';
import { listOf, textOf } from './table.js';

const accountColumns = [
  { title: 'ACCOUNT', value: (row: Json) => row['accountId'] },
  { title: 'E-MAIL', value: (row: Json) => row['email'] },
  { title: 'STATUS', value: (row: Json) => row['status'] },
  { title: 'REGISTERED', value: (row: Json) => row['registeredAt'] },
  { title: 'ACTIVATED', value: (row: Json) => row['activatedAt'] },
];

const differencesFor = pageFor('differences', [
  { title: 'FIELD', value: (row) => row['field'] },
  { title: 'BEFORE', value: (row) => row['before'] },
  { title: 'AFTER', value: (row) => row['after'] },
]);

const eventsFor = pageFor('events', [
  { title: 'REVISION', align: 'right', value: (row) => row['revision'] },
  { title: 'AT', value: (row) => row['recordedAt'] },
  { title: 'WHAT HAPPENED', value: (row) => row['sentence'] },
]);

const erase = showAnswer(
  'DELETE /accounts/{id}',
  (answer) => membersFor(answer['receipt'] as Json),
  (run) => optionsOf(run, 'reason'),
);

export const accountCommands: readonly Command[] = [
  {
    name: 'accounts list',
    summary: 'Accounts, newest first',
    options: {
      status: 'pending, active, lapsed or erased',
      email: 'a whole address, or the beginning of one followed by *',
      from: 'registered at this time (ISO 8601) or later',
      to: 'registered before this time',
      limit: 'most accounts on the page (50; at most 200)',
      cursor: 'continues after an earlier page',
    },
    flags: { oldest: 'oldest first' },
    examples: ["accounts list --status pending --email 'ada*'", 'accounts list --limit 200 --json'],
    run: showAnswer('GET /accounts', pageFor('accounts', accountColumns), (run) => ({
      ...optionsOf(run, 'status', 'email', 'limit', 'cursor'),
      registeredFrom: run.text('from'),
      registeredTo: run.text('to'),
      sort: run.flag('oldest') ? 'registeredAt' : '-registeredAt',
    })),
  },
  {
    name: 'accounts show',
    words: ACCOUNT,
    summary: 'One account',
    examples: ['accounts show ada@example.org'],
    run: showAnswer('GET /accounts/{id}', membersFor),
  },
  {
    name: 'accounts state',
    words: ACCOUNT,
    summary: 'What an account was like at a time, or after an event',
    options: {
      at: 'as of this time (ISO 8601)',
      revision: 'as of this event',
    },
    examples: ['accounts state ada@example.org --at 2026-11-22T10:02:30Z'],
    run: showAnswer('GET /accounts/{id}/state', stateFor, (run) =>
      optionsOf(run, 'at', 'revision'),
    ),
  },
  {
    name: 'accounts diff',
    words: ACCOUNT,
    summary: 'What changed between two times or events, and what happened',
    options: {
      from: 'a revision, or a time (ISO 8601)',
      to: 'the same',
    },
    examples: ['accounts diff ada@example.org --from 0 --to 3'],
    run: showAnswer(
      'GET /accounts/{id}/diff',
      (answer) => `${differencesFor(answer)}\n\n${eventsFor(answer)}`,
      (run) => optionsOf(run, 'from', 'to'),
    ),
  },
  {
    name: 'accounts history',
    words: ACCOUNT,
    summary: 'What happened to an account, replayed from the event store',
    options: { after: 'events beyond this revision only' },
    examples: [
      'accounts history ada@example.org',
      'accounts history ada@example.org --json > history.ndjson',
    ],
    run: showHistory,
  },
  {
    name: 'accounts explain',
    words: ACCOUNT,
    summary: 'Why could she not activate? In plain words',
    examples: ['accounts explain ada@example.org'],
    run: showAnswer('GET /accounts/{id}/explanation', (answer) => {
      const steps = rowsOf(answer, 'steps').map(
        ({ at, sentence }) => `  ${textOf(at)}  ${textOf(sentence)}`,
      );
      return [textOf(answer['conclusion']), '', ...steps].join('\n');
    }),
  },
  {
    name: 'accounts verify',
    words: ACCOUNT,
    summary: 'Whether the history is as it was appended, or where it breaks',
    examples: ['accounts verify ada@example.org'],
    run: verifyOne,
  },
  {
    name: 'accounts audit',
    words: ACCOUNT,
    summary: 'Who looked at this account, newest first',
    options: auditOptions,
    examples: ['accounts audit ada@example.org'],
    run: showAudit('GET /accounts/{id}/audit'),
  },
  {
    name: 'accounts free',
    words: ACCOUNT,
    summary:
      'End what strangers did to an address that waits for activation; its owner registers again',
    examples: ['accounts free grace@example.org'],
    run: showAnswer('POST /accounts/{id}/free', membersFor),
  },
  {
    name: 'accounts erase',
    words: ACCOUNT,
    summary: 'Forget a person for good, and show the signed receipt',
    options: { reason: 'requested-by-owner, required-by-law, registered-by-abuse or test-data' },
    examples: [
      'accounts erase ada@example.org --reason requested-by-owner --json --yes > receipt.json',
      'npm run --silent verify-receipt -- receipt.json',
    ],
    async run(run) {
      const question = 'This cannot be undone: the data can never be read again. Erase it?';
      if (!(await run.confirm(question))) return;
      await erase(run);
    },
  },
];

function stateFor({ revision, recordedAt, state }: Json): string {
  const { code, ...others } = state as Json;
  const ofCode = Object.entries((code ?? {}) as Json);
  return listOf([
    ...Object.entries({ revision, recordedAt, ...others }),
    ...ofCode.map(([name, value]) => [`code.${name}`, value] as const),
  ]);
}

/** Event by event as they come; with --json one a line (NDJSON). */
async function showHistory(run: CommandRun): Promise<void> {
  const path = pathOf(run, '/accounts/{id}/history');
  const bar = new ProgressBar('Events', run.progress);
  let events = 0;
  try {
    for await (const { content: event } of run.client.lines(path, { after: run.text('after') })) {
      if ('end' in event) break;
      events += 1;
      if (run.wantsJson) {
        run.line(JSON.stringify(event));
        bar.update(undefined, String(events));
      } else {
        const { revision, recordedAt, sentence, actor, client, correlationId } = event;
        run.line(`${textOf(revision).padStart(4)}  ${textOf(recordedAt)}  ${textOf(sentence)}`);
        run.line(`      by ${textOf(actor)}${fromWhere(client)}, request ${textOf(correlationId)}`);
      }
    }
  } finally {
    bar.end();
  }
  if (!run.wantsJson) run.line(events === 1 ? '1 event.' : `${events} events.`);
}

/** The program that made a request, as the history recorded it. */
function fromWhere(client: unknown): string {
  const { address, userAgent, erased } = (client ?? {}) as Json;
  if (erased) return ' from where is erased';
  if (typeof address !== 'string') return '';
  return ` from ${address}${userAgent ? ` (${textOf(userAgent)})` : ''}`;
}
