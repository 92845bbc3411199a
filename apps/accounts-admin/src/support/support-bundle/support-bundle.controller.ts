import { AccountIds } from '@app/account-secrets';
import { ACTIVATION_POLICY } from '@app/accounts';
import type { ActivationPolicy } from '@app/accounts';
import { EVENT_STORE } from '@app/event-store';
import type { EventStore } from '@app/event-store';
import { consumers, listUnreadableAccounts, newestStatistics, statisticNames } from '@app/views';
import { listFailedEvents } from '@app/consumers';
import type { Queryable } from '@app/postgres';
import type { StatisticsInterval } from '@app/views';
import { CLOCK, LOG } from '@app/process';
import type { Clock, Log } from '@app/process';
import { Inject, Query } from '@nestjs/common';
import * as z from 'zod';
import type { SettingReport } from '../../accounts-admin.settings.js';
import { CallerOf, actorOf } from '../../keys/caller.js';
import type { Caller } from '../../keys/caller.js';
import {
  AdminCall,
  AdminController,
  lineAnswer,
  signatureExample,
} from '../../api-description/admin-call.js';
import { READ_MODEL, RECEIPTS, SETTING_REPORTS } from '../../admin.tokens.js';
import { toFailedEventAnswer } from '../../failed-events/failed-event-answer.js';
import { accountIdOfPath } from '../../request-values.js';
import { LineAnswer } from '../../evidence/line-stream.js';
import { SignedLines } from '../../evidence/signed-lines.js';
import type { ErasureReceipts } from '../../accounts/erase-account/erasure-receipts.js';
import type { ProjectionAnswer } from '../../projections/watch-projections/projection-answer.js';
import { WatchProjectionsQuery } from '../../projections/watch-projections/watch-projections.query.js';
import { accountSection } from './account-section.js';
import { redacted } from './redact.js';
import { versions } from './versions.js';

const bundleQuery = z.strictObject({
  account: z
    .string()
    .max(400)
    .optional()
    .meta({
      description: 'Id or e-mail address of an account whose history goes in, without the person.',
      examples: ['6f9619ff-8b86-8d01-b42d-00cf4fc964ff'],
    }),
});

const HOURS = 48;
const DAYS = 30;
const MOST_FAILED_EVENTS = 50;

/**
 * What a developer needs for a diagnosis, without personal data: one line a section. A section that cannot be
 * read names its error, because the bundle is wanted when something is broken.
 */
@AdminController('support')
export class SupportBundleController {
  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore,
    @Inject(READ_MODEL) private readonly database: Queryable,
    @Inject(ACTIVATION_POLICY) private readonly policy: ActivationPolicy,
    @Inject(SETTING_REPORTS) private readonly settings: readonly SettingReport[],
    @Inject(RECEIPTS) private readonly signer: ErasureReceipts | undefined,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOG) private readonly log: Log,
    private readonly projections: WatchProjectionsQuery,
    private readonly accountIds: AccountIds,
  ) {}

  @AdminCall('GET support-bundle', 'support:read', {
    operationId: 'exportSupportBundle',
    summary: 'What a developer needs to help: no personal data, no secret',
    description:
      'Versions, which settings are set, projections, failed events, statistics, and the newest events of one ' +
      'account with everything redacted that is not known to be harmless. A section that cannot be read names the ' +
      'error in place of its content. Signed where RECEIPT_KEY is set; apps/accounts-admin/verify-export.mjs checks it.',
    answer: lineAnswer(
      'One line a section',
      {
        format: 'support-bundle/v1',
        at: '2026-11-22T12:00:00.000Z',
        requestedBy: 'admin:1f2e3d4c5b6a7988',
      },
      {
        section: 'versions',
        content: { product: '0.1.0', node: 'v22.21.1', platform: 'linux x64' },
      },
      {
        section: 'settings',
        content: [
          { name: 'RECEIPT_KEY', isSet: true, value: null },
          { name: 'GUESSES_PER_CODE', isSet: false, value: 3 },
        ],
      },
      { section: 'eventStore', failure: 'EventStoreUnavailable' },
      {
        section: 'account',
        content: {
          accountId: '6f9619ff-8b86-8d01-b42d-00cf4fc964ff',
          events: 1,
          newest: [
            {
              revision: 0,
              type: 'AccountRegistered',
              data: { address: '[redacted]', registeredAt: '2026-11-22T11:59:12.000Z' },
            },
          ],
        },
      },
      signatureExample,
    ),
    problems: ['invalidRequest', 'accountNotFound'],
  })
  bundle(
    @Query({ schema: bundleQuery }) { account }: z.infer<typeof bundleQuery>,
    @CallerOf() caller: Caller,
  ): LineAnswer {
    const title = 'The bundle broke off.';
    return new LineAnswer(this.lines(account, caller), title);
  }

  /**
   * The lines of the file; unsigned where no key for that is configured.
   *
   * @param account id or e-mail address of the one whose history is wanted, if any
   * @throws Problem invalid-request, account-not-found, with the first line
   * @throws EventStoreUnavailable with the first line, when an account is wanted
   */
  private async *lines(account: string | undefined, caller: Caller): AsyncGenerator<string> {
    const now = this.clock();
    const accountId = account && accountIdOfPath(account, this.accountIds, 'account');
    const ofAccount = accountId && (await accountSection(this.store, accountId, this.policy, now));
    const lines = new SignedLines('support-bundle/v1', this.signer);
    yield lines.first({ at: new Date(now).toISOString(), requestedBy: actorOf(caller) });
    for (const [section, tell] of Object.entries(this.sections(now))) {
      try {
        yield lines.line(redacted({ section, content: await tell() }) as object);
      } catch (error) {
        this.log.error({ requestId: caller.requestId, err: error }, `no ${section} for the bundle`);
        const name = error instanceof Error ? error.name : 'unknown';
        yield lines.line({ section, failure: name });
      }
    }
    if (ofAccount) yield lines.line(redacted({ section: 'account', content: ofAccount }) as object);
    yield lines.last();
  }

  private sections(now: number): Readonly<Record<string, () => unknown>> {
    return {
      versions: () => ({ ...versions(), uptimeSeconds: Math.round(process.uptime()) }),
      settings: () => this.settings,
      policy: () => this.policy,
      eventStore: async () => {
        await this.store.checkAvailable();
        return { available: true };
      },
      postgres: () => this.postgres(),
      projections: async () => (await this.projections.watch()).map(projectionWithoutReasons),
      failedEvents: () => this.failedEvents(),
      unreadableAccounts: async () => ({
        count: (await listUnreadableAccounts(this.database)).length,
      }),
      statisticsByHour: () => this.statistics('hour', HOURS, now),
      statisticsByDay: () => this.statistics('day', DAYS, now),
    };
  }

  private async postgres(): Promise<object> {
    const version = await this.database.query<{ version: string }>({
      text: `select current_setting('server_version') as version`,
    });
    const migrations = await this.database.query<{ name: string }>({
      text: 'select name from migrations.applied order by id',
    });
    return {
      version: version.rows[0]?.version ?? null,
      migrations: migrations.rows.map(({ name }) => name),
    };
  }

  private async failedEvents(): Promise<readonly object[]> {
    const lists = await Promise.all(
      consumers.map(({ name }) => listFailedEvents(this.database, name, MOST_FAILED_EVENTS)),
    );
    return lists.flat().map((event) => withoutReason(toFailedEventAnswer(event)));
  }

  private async statistics(
    interval: StatisticsInterval,
    count: number,
    now: number,
  ): Promise<readonly object[]> {
    const rows = await newestStatistics(this.database, interval, count, now);
    return rows.filter((row) => statisticNames.some((name) => row[name] > 0));
  }
}

function projectionWithoutReasons(answer: ProjectionAnswer): object {
  return { ...answer, failing: answer.failing && withoutReason(answer.failing) };
}

/** Reasons of decisions: operators may write anything there. */
function withoutReason(failedEvent: ReturnType<typeof toFailedEventAnswer>): object {
  return { ...failedEvent, reason: undefined };
}
