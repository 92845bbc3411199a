import { readFileSync } from 'node:fs';
import type { Json } from './admin-client.js';
import { optionsOf, pageFor, pathOf, showAnswer } from './command.js';
import type { Command, CommandRun } from './command.js';
import { download, outOption } from './download.js';
import { ProgressBar } from './progress-bar.js';
import { listOf, tableOf, textOf } from './table.js';
import type { TableColumn } from './table.js';
import { UsageError } from './usage-error.js';

export const ACCOUNT = '<id|email>';

const meanings: Readonly<Record<string, string>> = {
  'revision-missing': 'an event is missing, or out of order',
  'link-missing': 'an event has no link: it was slipped in, or stripped of it',
  'link-differs': 'changed here, or an event was dropped, moved or slipped in before it',
};

export const auditOptions = {
  who: 'id of a key: only its calls',
  from: 'at this time (ISO 8601) or later',
  to: 'before this time',
  limit: 'most calls on the page (50; at most 200)',
  cursor: 'continues after an earlier page',
} as const;

export const evidenceCommands: readonly Command[] = [
  {
    name: 'verify',
    words: '[id|email]',
    summary: 'Whether all histories, or that of one account, are as they were appended',
    examples: ['verify', 'verify ada@example.org', 'verify --json || echo look into it'],
    run: (run) => (run.text('id') !== undefined ? verifyOne(run) : verifyAll(run)),
  },
  {
    name: 'heads',
    summary: 'The signed heads of all histories, to be kept elsewhere and compared later',
    options: {
      since: 'file of earlier heads: the new ones then prove that they continue these',
      ...outOption,
    },
    examples: [
      'heads --out heads-2026-11-22.ndjson',
      'heads --since yesterday.ndjson --out today.ndjson && npm run --silent verify-export -- today.ndjson yesterday.ndjson',
    ],
    run: (run) => {
      const earlier = run.text('since');
      return download(run, '/heads', { since: earlier && reachedBy(earlier) }, earlier);
    },
  },
  {
    name: 'export-history',
    words: ACCOUNT,
    summary: 'The history of an account as a signed file',
    options: outOption,
    examples: [
      'export-history ada@example.org --out ada.ndjson && npm run --silent verify-export -- ada.ndjson',
    ],
    run: (run) => download(run, pathOf(run, '/accounts/{id}/history/export'), {}),
  },
  {
    name: 'audit list',
    summary: 'What operators were shown of which accounts, and which keys they made, newest first',
    options: {
      ...auditOptions,
      account: 'id or e-mail address: only calls that showed this account',
    },
    examples: [
      'audit list --account ada@example.org --from 2026-11-22T00:00:00Z',
      'audit list --who 1f2e3d4c5b6a7988 --json',
    ],
    run: showAudit('GET /audit'),
  },
  {
    name: 'support-bundle',
    summary: 'A file for a developer who helps you: no personal data, no secret',
    options: {
      account: 'id or e-mail address; its newest events go in, without the person',
      ...outOption,
    },
    examples: [
      'support-bundle --out bundle.ndjson',
      'support-bundle --account ada@example.org --out bundle-ada.ndjson',
    ],
    run: (run) => download(run, '/support-bundle', { account: run.text('account') }),
  },
];

/**
 * Where the log had been read to when the file was written.
 *
 * @throws UsageError when it does not say so
 */
function reachedBy(file: string): string {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${String((error as Json)['code'])}`);
  }
  const [, reached] = /^\{"reached":"(\w+)"\}$/m.exec(content) ?? [];
  if (reached === undefined) throw new UsageError(`${file} has no heads, or is not whole`);
  return reached;
}

/** A page of the calls that operators made. */
export function showAudit(route: `GET ${string}`): Command['run'] {
  const columns: readonly TableColumn<Json>[] = [
    { title: 'AT', value: (row) => row['at'] },
    { title: 'KEY', value: (row) => row['keyId'] },
    { title: 'LABEL', value: (row) => row['label'] },
    { title: 'CALL', value: (row) => row['operation'] },
    { title: 'OUTCOME', value: (row) => row['outcome'] },
    { title: 'CONCERNS', value: concernOf },
    { title: 'REQUEST', value: (row) => row['requestId'] },
  ];
  const options = [...Object.keys(auditOptions), 'account'];
  return showAnswer(route, pageFor('calls', columns), (run) => optionsOf(run, ...options));
}

/** A page of a list shows up to 200 accounts. */
function concernOf({ accountIds, subjectKeyId }: Json): unknown {
  const [first, ...others] = accountIds as readonly string[];
  if (first === undefined) return subjectKeyId && `key ${textOf(subjectKeyId)}`;
  return others.length === 0 ? first : `${first} and ${others.length} more`;
}

/** @throws Error once it was shown where */
export async function verifyOne(run: CommandRun): Promise<void> {
  const answer = await run.client.call('GET', pathOf(run, '/accounts/{id}/verification'));
  const broken = answer['broken'] as Json | null;
  run.show(answer, () =>
    listOf([
      ...Object.entries(answer).filter(([name]) => name !== 'broken'),
      ['broken', broken && `at revision ${textOf(broken['revision'])}: ${meaningOf(broken)}`],
    ]),
  );
  if (broken) throw new Error('The history is not as it was appended.');
}

async function verifyAll(run: CommandRun): Promise<void> {
  const bar = new ProgressBar('Verifying', run.progress);
  const broken: Json[] = [];
  let end: Json = {};
  for await (const { content } of bar.follow(run.client.lines('/verification', {}))) {
    const { broken: one, end: last } = content as Readonly<Record<string, Json>>;
    if (one) broken.push(one);
    if (last) end = last;
  }
  const { streams, events } = end;
  run.show({ ...end, histories: broken }, () =>
    broken.length === 0
      ? `All ${textOf(streams)} histories with ${textOf(events)} events are as they were appended.`
      : tableOf(broken, [
          { title: 'HISTORY', value: (row) => row['stream'] },
          { title: 'REVISION', align: 'right', value: (row) => row['revision'] },
          { title: 'WHAT', value: meaningOf },
        ]),
  );
  if (broken.length > 0) {
    throw new Error(
      `${broken.length} of ${textOf(streams)} histories are not as they were appended.`,
    );
  }
}

function meaningOf({ reason }: Json): string {
  return meanings[textOf(reason)] ?? textOf(reason);
}
