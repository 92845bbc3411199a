import { spawnSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LogPosition, NewEvent, RecordedEvent, SubscribeToAllOptions } from '@app/event-store';
import { appendLinked } from '@app/event-store/testing/append-linked.js';
import { InMemoryEventStore } from '@app/event-store/testing/in-memory-event-store.js';
import type { Queryable } from '@app/postgres';
import { ErasureReceipts } from '../../accounts/erase-account/erasure-receipts.js';
import { LogScan } from '../log-scan.js';
import type { StreamFold } from '../log-scan.js';
import { SignedLines } from '../signed-lines.js';
import { ExportHeadsController } from './export-heads.controller.js';

const program = join(process.cwd(), 'apps/accounts-admin/verify-export.mjs');
const key = randomBytes(32);
const ADA = 'account-ada';
const GRACE = 'account-grace';

/** What the appenders of these streams wrote, in their order. */
type Log = Readonly<Record<string, readonly NewEvent[]>>;

function fact(amount: number): NewEvent {
  const metadata = {
    schemaVersion: 1,
    $correlationId: randomUUID(),
    $causationId: randomUUID(),
    actor: 'anonymous',
  };
  return { id: randomUUID(), type: 'Happened', data: { at: noonPlus(amount) }, metadata };
}

const noonPlus = (minutes: number) => new Date(Date.UTC(2026, 10, 22, 12, minutes)).toISOString();

/** An event store that says when it recorded each event. */
class DatedStore extends InMemoryEventStore {
  constructor(private readonly timeOf: (event: RecordedEvent) => string = () => noonPlus(0)) {
    super();
  }

  override async *subscribeToAll(options: SubscribeToAllOptions) {
    for await (const message of super.subscribeToAll(options)) {
      yield message.kind === 'event'
        ? {
            ...message,
            event: { ...message.event, recordedAt: new Date(this.timeOf(message.event)) },
          }
        : message;
    }
  }
}

/** Every link is right, as an attacker makes it who knows how: it has no key. */
async function storeOf(
  log: Log,
  isLinked?: (event: NewEvent) => boolean,
  store = new DatedStore(),
) {
  for (const [stream, events] of Object.entries(log)) {
    await appendLinked(store, stream, events, isLinked);
  }
  return store;
}

async function exported(
  store: InMemoryEventStore,
  since?: LogPosition | 'start',
  signer = new ErasureReceipts(key),
  mostStreams?: number,
): Promise<string> {
  const database: Queryable = { query: async () => ({ rows: [], rowCount: 0 }) };
  class SmallScan extends LogScan {
    override walk<Fold>(fold: StreamFold<Fold>) {
      return super.walk(fold, mostStreams);
    }
  }
  const log = new SmallScan(store, database);
  const heads = new ExportHeadsController(log, () => Date.UTC(2026, 10, 22, 12), signer);
  const answer = heads.export({ since: since === undefined ? undefined : String(since) });
  const lines: string[] = [];
  for await (const line of answer.lines) lines.push(line);
  return lines.join('');
}

function reachedBy(heads: string): LogPosition {
  return BigInt(/"reached":"(\d+)"/.exec(heads)?.[1] ?? '');
}

describe('An export of heads', () => {
  const folder = mkdtempSync(join(tmpdir(), 'export-heads-'));
  const ada = [0, 1, 2, 3].map(fact);
  const original: Log = { [ADA]: ada, [GRACE]: [0, 1, 2].map(fact) };
  const further = [7, 8, 9].map(fact);
  let earlier: string;

  beforeAll(async () => {
    earlier = await exported(await storeOf(original));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function verify(contents: readonly string[], ...fingerprints: readonly string[]) {
    const files = contents.map((content, index) => {
      const file = join(folder, ['file', 'earlier'][index] ?? '');
      writeFileSync(file, content);
      return file;
    });
    const words = [program, ...files, ...fingerprints];
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
    return { status, out: (stdout + stderr).replaceAll(`${folder}/`, '') };
  }

  /** What the program says of the log, alone and beside the earlier heads. */
  async function found(log: Log, isLinked?: (event: NewEvent) => boolean) {
    const store = await storeOf(log, isLinked);
    const later = await exported(store, reachedBy(earlier));
    const fromStart = await exported(store, 'start');
    const [alone, beside, besideFromStart] = [[later], [later, earlier], [fromStart, earlier]].map(
      (contents) => verify(contents),
    );
    return { alone, beside, besideFromStart };
  }

  it('proves that it continues an earlier one, by digests of what came since', async () => {
    const store = await storeOf(original);
    await appendLinked(store, ADA, further);
    await appendLinked(store, 'account-new', further.slice(0, 2));
    const later = await exported(store, reachedBy(earlier));
    expect(verify([later, earlier])).toEqual({
      status: 0,
      out: expect.stringContaining(
        'They continue all 2 of earlier as of 2026-11-22T12:00:00.000Z: 1 grew since, 1 are new.',
      ),
    });
    expect(
      later
        .match(/"digests":\[[^\]]*\]/g)
        ?.join()
        .match(/[0-9a-f]{64}/g),
    ).toHaveLength(5);
    expect(later).not.toContain('Happened');
    // A file that shows more than was asked for, and one that shows less.
    expect(verify([await exported(store, 'start'), earlier]).status).toBe(0);
    expect(verify([await exported(store), earlier])).toEqual({
      status: 1,
      out: expect.stringContaining(`${ADA} has events after revision 3, and nothing shows`),
    });
    expect(verify([await exported(store, reachedBy(later)), later]).status).toBe(0);
  });

  it('of an empty log verifies, and is continued from its start', async () => {
    const empty = await exported(new InMemoryEventStore());
    expect(empty).toContain('{"reached":"start"}');
    expect(verify([empty]).out).toMatch(/^0 streams as of 2026-11-22T12:00:00.000Z verify/);
    expect(verify([await exported(await storeOf(original), 'start'), empty]).out).toContain(
      '2 are new',
    );
  });

  it.each<[string, readonly NewEvent[]]>([
    ['changed', ada.with(1, { ...(ada[1] as NewEvent), data: { at: noonPlus(30) } })],
    ['exchanged', [ada[0], ada[2], ada[1], ada[3]] as NewEvent[]],
    ['dropped', ada.toSpliced(1, 1)],
    ['inserted', ada.toSpliced(2, 0, fact(5))],
    ['cut off', ada.slice(0, 3)],
  ])(
    'shows beside an earlier one that events were %s, links and all, whatever came after',
    async (_, forged) => {
      const { alone, beside, besideFromStart } = await found({
        ...original,
        [ADA]: [...forged, ...further],
      });
      expect(alone?.status).toBe(0);
      expect(beside?.status).toBe(1);
      expect(beside?.out).toContain(ADA);
      expect(besideFromStart).toEqual({
        status: 1,
        out: expect.stringContaining(`${ADA} was written anew, up to revision 3`),
      });
    },
  );

  it('shows beside an earlier one that an event has another date, which no link covers', async () => {
    const dated = new DatedStore(({ id }) => noonPlus(id === ada[1]?.id ? 30 : 0));
    const later = await exported(await storeOf(original, undefined, dated));
    expect(verify([later]).status).toBe(0);
    expect(verify([later, earlier]).out).toContain(`${ADA} was written anew, up to revision 3`);
  });

  it('shows beside an earlier one that all was written anew, and nothing came after', async () => {
    const { alone, beside } = await found({ ...original, [ADA]: [4, 5, 6, 7].map(fact) });
    expect(alone?.status).toBe(0);
    expect(beside?.out).toContain(`${ADA} was written anew, up to revision 3`);
  });

  it('shows beside an earlier one that the end was cut off, and nothing came after', async () => {
    const { alone, beside } = await found({ ...original, [ADA]: ada.slice(0, 2) });
    expect(alone?.status).toBe(0);
    expect(beside?.out).toContain(`${ADA} was cut off at revision 1`);
  });

  it('shows beside an earlier one that a history is gone, and one was slipped in before it', async () => {
    const { alone, beside } = await found({ 'account-forged': further, [GRACE]: further });
    expect(alone?.status).toBe(0);
    expect(beside?.status).toBe(1);
    expect(beside?.out).toContain(`${ADA} is gone`);
    expect(beside?.out).toContain('account-forged has events after revision -1, and nothing shows');
    expect(beside?.out).toContain(`${GRACE} was written anew, up to revision 2`);
  });

  it.each<[string, (event: NewEvent) => boolean, number]>([
    ['every event', (event) => !ada.includes(event) && !further.includes(event), 0],
    ['what was there', (event) => !ada.includes(event), 0],
    ['one event', (event) => event !== ada[2], 2],
    ['the newest events', (event) => !further.includes(event), 4],
  ])('shows what was stripped of its link, alone and beside: %s', async (_, isLinked, revision) => {
    const verdict = `${ADA} breaks at revision ${revision}: link-missing`;
    const { alone, beside } = await found({ ...original, [ADA]: [...ada, ...further] }, isLinked);
    expect(alone).toEqual({ status: 1, out: expect.stringContaining(verdict) });
    expect(beside).toEqual({ status: 1, out: expect.stringContaining(verdict) });
  });

  it('says so when the two were signed with different keys, unless both are named', async () => {
    const other = new ErasureReceipts(randomBytes(32));
    const signers = [new ErasureReceipts(key), other].map(({ fingerprint }) => fingerprint);
    const later = await exported(await storeOf(original), reachedBy(earlier), other);
    const verdict = verify([later, earlier]);
    expect(verdict).toEqual({
      status: 1,
      out: expect.stringContaining('the files were signed with different keys'),
    });
    for (const fingerprint of signers) expect(verdict.out).toContain(fingerprint);
    expect(verify([later, earlier], ...signers).status).toBe(0);
    expect(verify([later, earlier], other.fingerprint)).toEqual({
      status: 1,
      out: expect.stringContaining('earlier was signed with another key'),
    });
  });

  it('that names a history twice does not verify', async () => {
    const [, head] = /^(\{"stream":.*\})$/m.exec(earlier) ?? [];
    const lines = new SignedLines('stream-heads/v2', new ErasureReceipts(key));
    const line = () => lines.line(JSON.parse(head ?? '') as object);
    const twice = lines.first({}) + line() + line() + lines.last();
    expect(verify([twice]).out).toContain('twice');
  });

  it('continues an earlier one as well when the log is read in several passes', async () => {
    const log = { ...original, [ADA]: [...ada, ...further], 'account-new': further };
    const inPasses = await exported(await storeOf(log), 'start', new ErasureReceipts(key), 1);
    expect(inPasses.match(new RegExp(`"stream":"${ADA}","after":-1`, 'g'))?.length).toBeGreaterThan(
      1,
    );
    expect(verify([inPasses, earlier]).status).toBe(0);
  });
});
