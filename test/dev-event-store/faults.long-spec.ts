import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { jsonEvent } from '@eventstore/db-client';
import type { AppendToStreamOptions, EventStoreDBClient } from '@eventstore/db-client';
import { EventStoreProcess, until } from './event-store-process.js';

const UNARY: AppendToStreamOptions = { credentials: { username: 'any', password: 'any' } };
const MAIN = join(import.meta.dirname, '../../dist/apps/local/src/event-store/main.js');

function tested(n: number) {
  return jsonEvent({ type: 'Tested', data: { n } });
}

describe('fault switches', () => {
  let eventStore: EventStoreProcess;
  let client: EventStoreDBClient;

  beforeAll(async () => {
    eventStore = await EventStoreProcess.start();
    client = eventStore.client();
    await client.appendToStream('there', tested(0));
  });
  afterEach(() => eventStore.control('DELETE', '/faults'));
  afterAll(() => eventStore.remove());

  const set = (faults: object) => eventStore.control('PUT', '/faults', faults);

  async function countOf(stream: string): Promise<number> {
    let count = 0;
    for await (const { event } of client.readStream(stream)) count += event ? 1 : 0;
    return count;
  }

  it('make the server unavailable, and available again', async () => {
    await set({ unavailable: true });
    await expect(countOf('there')).rejects.toMatchObject({ type: 'unavailable' });
    await expect(client.appendToStream('there', tested(1), UNARY)).rejects.toMatchObject({
      type: 'unavailable',
    });
    await eventStore.control('DELETE', '/faults');
    expect(await countOf('there')).toBe(1);
  });

  it('make only some methods fail', async () => {
    await set({ unavailable: true, methods: ['append'] });
    await expect(client.appendToStream('there', tested(1), UNARY)).rejects.toMatchObject({
      type: 'unavailable',
    });
    expect(await countOf('there')).toBe(1);
  });

  it('concern batch appends on a call that was open before', async () => {
    const event = tested(1);
    await client.appendToStream('batched', tested(0));
    await set({ loseAnswers: { count: 1 }, methods: ['batchAppend'] });
    await expect(client.appendToStream('batched', event)).rejects.toMatchObject({
      type: 'unavailable',
    });
    await set({ unavailable: true, methods: ['batchAppend'] });
    await expect(client.appendToStream('batched', tested(2))).rejects.toMatchObject({
      type: 'unavailable',
    });
    await eventStore.control('DELETE', '/faults');
    expect((await client.appendToStream('batched', event)).nextExpectedRevision).toBe(1n);
    expect(await countOf('batched')).toBe(2);
  });

  it('make the server say that another node leads', async () => {
    await set({ notLeader: { host: '127.0.0.1', port: eventStore.port }, methods: ['append'] });
    await expect(client.appendToStream('there', tested(1), UNARY)).rejects.toMatchObject({
      type: 'not-leader',
      leader: { address: '127.0.0.1', port: eventStore.port },
    });
    await eventStore.control('DELETE', '/faults');
    expect(await countOf('there')).toBe(1);
  });

  it('delay answers, but not the work', async () => {
    await set({ delayAnswersMs: 2_000, methods: ['append'] });
    const startedAt = performance.now();
    const append = client.appendToStream('delayed', tested(1), UNARY);
    await until(async () => (await countOf('delayed').catch(() => 0)) === 1, 'event is there');
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    await append;
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1_999);
  });

  it('lose an answer with an error, after the event is durable', async () => {
    await set({ loseAnswers: { count: 1 }, methods: ['append'] });
    const event = tested(1);
    const options = { ...UNARY, expectedRevision: 'no_stream' } as const;
    await expect(client.appendToStream('lost', event, options)).rejects.toMatchObject({
      type: 'unavailable',
    });
    expect(await countOf('lost')).toBe(1);
    expect((await client.appendToStream('lost', event, options)).nextExpectedRevision).toBe(0n);
    expect(await countOf('lost')).toBe(1);
  });

  it('lose an answer silently', async () => {
    await set({ loseAnswers: { count: 1, how: 'silence' }, methods: ['append'] });
    const append = client.appendToStream('silent', tested(1), { ...UNARY, deadline: 300 });
    await expect(append).rejects.toMatchObject({ type: 'deadline-exceeded' });
    expect(await countOf('silent')).toBe(1);
  });

  it('drop streams', async () => {
    const errors: { type: string }[] = [];
    let caughtUp = false;
    const subscription = client.subscribeToAll();
    subscription
      .on('caughtUp', () => (caughtUp = true))
      .on('error', (error) => void errors.push(error as unknown as { type: string }));
    await until(() => caughtUp, 'caught up');
    await eventStore.control('POST', '/drop-streams', { methods: ['read'] });
    await until(() => errors.length === 1, 'error');
    expect(errors[0]!.type).toBe('unavailable');
  });

  it('freeze the server, which then goes on where it was', async () => {
    const received: number[] = [];
    let caughtUp = false;
    const subscription = client.subscribeToStream('frozen');
    subscription
      .on('caughtUp', () => (caughtUp = true))
      .on('data', ({ event }) => void received.push((event!.data as { n: number }).n));
    await until(() => caughtUp, 'caught up');
    await set({ frozen: true });
    const late = client.appendToStream('frozen', tested(1), { ...UNARY, deadline: 300 });
    await expect(late).rejects.toMatchObject({ type: 'deadline-exceeded' });
    const patient = client.appendToStream('frozen', tested(2), UNARY);
    await eventStore.control('DELETE', '/faults');
    await patient;
    await until(() => received.includes(2), 'event of the patient one');
    await subscription.unsubscribe();
  });

  it('treat subscribers as slow', async () => {
    let caughtUp = 0;
    const subscription = client.subscribeToAll().on('caughtUp', () => (caughtUp += 1));
    await until(() => caughtUp === 1, 'caught up');
    await eventStore.control('POST', '/overrun-subscribers');
    await until(() => caughtUp === 2, 'caught up again');
    await subscription.unsubscribe();
  });

  it('make the server one that is not ready, which gossip and HTTP tell', async () => {
    const live = async () =>
      (await fetch(`http://127.0.0.1:${eventStore.port}/health/live`)).status;
    expect(await live()).toBe(204);
    await set({ notReady: true });
    expect(await live()).toBe(503);
    await expect(countOf('there')).rejects.toMatchObject({ type: 'unavailable' });
    await expect(client.appendToStream('there', tested(1), UNARY)).rejects.toThrow(
      'Server Is Not Ready',
    );
    await expect(client.appendToStream('there', tested(1))).rejects.toThrow('Server Is Not Ready');
    await eventStore.control('DELETE', '/faults');
    expect(await live()).toBe(204);
    expect(await countOf('there')).toBe(1);
  });

  it.each([
    ['PUT', '/faults', { frosen: true }, 400, 'frosen'],
    ['PUT', '/faults', { delayAnswersMs: -1 }, 400, 'delayAnswersMs'],
    ['POST', '/nonsense', {}, 404, 'no such request'],
  ])('answer %s %s %j with status %i', async (method, path, body, status, hint) => {
    const response = await fetch(`${eventStore.endpoints.control}${path}`, {
      method,
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(status);
    expect(await response.text()).toContain(hint);
  });
});

describe('the process', () => {
  it('names the setting when its port is taken, and exits with 1', async () => {
    const first = await EventStoreProcess.start();
    const start = EventStoreProcess.start({ EVENTSTORE_PORT: String(first.port) });
    await expect(start).rejects.toThrow(
      new RegExp(`code 1 .*EVENTSTORE_PORT ${first.port} .*another process listens there`, 's'),
    );
    await first.remove();
  });

  it('refuses a folder that another one works in', async () => {
    const first = await EventStoreProcess.start();
    await expect(EventStoreProcess.start({}, first.folder)).rejects.toThrow(
      `is in use by process ${first.pid}`,
    );
    await first.remove();
  });

  it('has no control port when the setting is off', async () => {
    const eventStore = await EventStoreProcess.start({ EVENTSTORE_CONTROL_PORT: 'off' });
    expect(Object.keys(eventStore.endpoints)).toEqual(['eventstore']);
    await eventStore.remove();
  });

  it('names faulty settings and exits with 78', () => {
    const { status, stdout } = spawnSync(process.execPath, [MAIN, '--port', 'many'], {
      env: { ...process.env, NODE_OPTIONS: '', EVENTSTORE_FSYNC: 'perhaps', LOG_FORMAT: 'json' },
      encoding: 'utf8',
    });
    expect(status).toBe(78);
    expect(stdout).toContain('EVENTSTORE_PORT');
    expect(stdout).toContain('EVENTSTORE_FSYNC');
  });
});
