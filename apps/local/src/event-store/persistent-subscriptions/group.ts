import { z } from 'zod';

/** The stream name by which a group follows the whole log. */
export const ALL = '$all';

export const STRATEGIES = ['DispatchToSingle', 'RoundRobin', 'Pinned'] as const;

const settingsSchema = z.object({
  resolveLinks: z.boolean(),
  /** First revision, or position in the log, to be delivered. */
  startFrom: z.union([z.literal('start'), z.literal('end'), z.number()]),
  extraStatistics: z.boolean(),
  messageTimeoutMs: z.number(),
  maxRetryCount: z.number(),
  checkpointAfterMs: z.number(),
  minCheckpointCount: z.number(),
  maxCheckpointCount: z.number(),
  /** 0 for any number. */
  maxSubscriberCount: z.number(),
  liveBufferSize: z.number(),
  readBatchSize: z.number(),
  historyBufferSize: z.number(),
  strategy: z.enum(STRATEGIES),
});
export type GroupSettings = z.infer<typeof settingsSchema>;

const groupSchema = z.object({
  streamName: z.string(),
  groupName: z.string(),
  filter: z
    .object({
      on: z.enum(['stream-name', 'event-type']),
      regex: z.string(),
      prefixes: z.array(z.string()),
    })
    .optional(),
  settings: settingsSchema,
});
/** A group as it was created: what it follows, and how. */
export type Group = z.infer<typeof groupSchema>;

const configurationSchema = z.object({ groups: z.array(groupSchema) });

export function keyOf({ streamName, groupName }: Pick<Group, 'streamName' | 'groupName'>): string {
  return `${streamName}::${groupName}`;
}

/** Why settings cannot be used, in EventStoreDB's order; undefined when they can. */
export function faultIn(settings: GroupSettings, logEnd: number): string | undefined {
  const { readBatchSize, historyBufferSize, startFrom } = settings;
  if (settings.messageTimeoutMs < 0) return 'the message timeout is negative';
  if (settings.maxRetryCount < 0) return 'the maximum retry count is negative';
  if (settings.maxSubscriberCount < 0) return 'the maximum subscriber count is negative';
  if (readBatchSize < 1 || historyBufferSize < 1 || settings.liveBufferSize < 1)
    return 'a buffer size is not positive';
  if (readBatchSize >= historyBufferSize)
    return 'the read batch size must be lower than the history buffer size';
  if (typeof startFrom === 'number' && startFrom > logEnd)
    return 'the start position lies after the end of the log';
  return undefined;
}

/** The event data in which all groups are kept. */
export function serialiseGroups(groups: readonly Group[]): Buffer {
  return Buffer.from(JSON.stringify({ groups }));
}

export function parseGroups(data: Buffer): Group[] {
  return configurationSchema.parse(JSON.parse(data.toString('utf8'))).groups;
}
