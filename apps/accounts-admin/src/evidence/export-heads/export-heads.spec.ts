import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import {
  accountDecider,
  accountStreamName,
  defaultActivationPolicy,
  toStored,
} from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import { ada, exampleNonce, MINUTE, noon } from '@app/accounts/testing/account-examples.js';
import { handleCommand } from '@app/event-store';
import { InMemoryEventStore } from '@app/event-store/testing/in-memory-event-store.js';
import type { Queryable } from '@app/postgres';
import { ErasureReceipts } from '../../accounts/erase-account/erasure-receipts.js';
import { LogScan } from '../log-scan.js';
import { ExportHeadsQuery } from './export-heads.query.js';

const program = join(process.cwd(), 'apps/accounts-admin/verify-export.mjs');
const stream = accountStreamName(ada.accountId);
const key = randomBytes(32);

describe('An export of heads', () => {
  const folder = mkdtempSync(join(tmpdir(), 'export-heads-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The export of a log in which the address was registered so many times. */
  async function exported(registrations: number, keyId: string = ada.keyId): Promise<string> {
    const store = new InMemoryEventStore();
    const behaviour = {
      store,
      codec: {
        encode: async (_: string, events: readonly AccountEvent[]) => events.map(toStored),
        decode: async (events: readonly { type: string; data: unknown }[]) =>
          events.map(({ type, data }) => ({ type, data }) as AccountEvent),
      },
      decider: accountDecider(defaultActivationPolicy),
    };
    for (let number = 1; number <= registrations; number++) {
      await handleCommand(
        behaviour,
        stream,
        () => ({
          type: 'RegisterAccount' as const,
          address: ada.address,
          passwordHash: ada.passwordHash,
          network: ada.network,
          networkKey: ada.networkKey,
          nonce: exampleNonce(number),
          keyId,
          language: ada.language,
          now: noon + number * MINUTE,
        }),
        { $correlationId: 'c', $causationId: 'c', actor: 'anonymous' },
      );
    }
    const database: Queryable = { query: async () => ({ rows: [], rowCount: 0 }) };
    const log = new LogScan(store, database);
    const query = new ExportHeadsQuery(log, () => noon, new ErasureReceipts(key));
    const lines: string[] = [];
    for await (const line of query.begin()) lines.push(line);
    return lines.join('');
  }

  function verify(...contents: string[]): string {
    const files = contents.map((content, index) => {
      const file = join(folder, String(index));
      writeFileSync(file, content);
      return file;
    });
    return execFileSync(process.execPath, [program, ...files], { encoding: 'utf8', stdio: 'pipe' });
  }

  it('verifies, alone and beside an earlier one', async () => {
    const earlier = await exported(0);
    expect(verify(earlier)).toMatch(/^0 streams as of 2026-11-22T12:00:00.000Z verify/);
    const later = await exported(2);
    expect(verify(later)).toMatch(/^1 streams/);
    expect(verify(later, earlier)).toMatch(/^1 streams/);
  });

  it('shows beside an earlier one what is gone or cut off since', async () => {
    const earlier = await exported(2);
    const gone = await exported(0);
    const cut = await exported(1);
    expect(() => verify(gone, earlier)).toThrow(`${stream} is gone`);
    expect(() => verify(cut, earlier)).toThrow(`${stream} was cut off at revision 1`);
  });

  it('shows beside an earlier one what was written anew, links and all', async () => {
    const earlier = await exported(1);
    const forged = await exported(1, 'k2');
    expect(verify(forged)).toMatch(/^1 streams/);
    expect(() => verify(forged, earlier)).toThrow(`${stream} was written anew`);
  });
});
