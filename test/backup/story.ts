import { newCaller } from '../api/account-client.js';
import type { Credentials } from '../api/account-client.js';
import { freshDatabase } from '../support/postgres.js';
import { temporaryFolder } from '../support/run-folder.js';
import { copyDatabase, copyLog } from './copies.js';
import type { DatabaseCopy } from './copies.js';
import { Service } from './service.js';
import type { Surroundings } from './service.js';

export interface Person extends Credentials {
  readonly accountId: string;
}

export interface Copies {
  readonly database: DatabaseCopy;
  /** Folder. */
  readonly log: string;
}

/** What happened before everything was lost, and the copies that were taken meanwhile. */
export interface Story {
  /** Taken while people registered, the log after the database. */
  readonly early: Copies;
  /** Taken while people registered, after everything below. */
  readonly late: Copies;
  /** Active before the first copy, and left alone. */
  readonly settled: Person;
  /** Activated between the copies. */
  readonly activated: Person;
  /** Active before the first copy, erased between the copies. */
  readonly erased: Person;
  /** Registered between the copies. */
  readonly newcomer: Person;
  /** Registered after the last copy. */
  readonly lost: Person;
  /** Who registered all the while, copies or not. */
  readonly crowd: readonly Person[];
}

const CROWD = 2;

export async function tell(surroundings: Surroundings): Promise<Story> {
  const database = await freshDatabase();
  const dataDir = temporaryFolder('log');
  const service = new Service(surroundings, database.url, dataDir);
  const crowd: Person[] = [];
  let telling = true;
  const joinCrowd = async () => {
    while (telling) {
      const caller = newCaller();
      crowd.push({ ...caller, accountId: await service.register(caller) });
    }
  };
  const arrive = async (): Promise<Person> => {
    const caller = newCaller();
    return { ...caller, accountId: await service.registerAndWaitForMail(caller) };
  };
  try {
    await service.startAll();
    const registering = Array.from({ length: CROWD }, joinCrowd);
    const [settled, activated, erased] = await Promise.all([arrive(), arrive(), arrive()]);
    await Promise.all([service.activate(settled), service.activate(erased)]);
    const early = { database: await copyDatabase(database.url), log: copyLog(dataDir) };
    const [newcomer] = await Promise.all([arrive(), service.activate(activated)]);
    const { status } = await service.admin(
      'DELETE',
      `/accounts/${erased.accountId}?reason=requested-by-owner`,
    );
    if (status !== 200) throw new Error(`the erasure was answered with ${status}`);
    const late = { database: await copyDatabase(database.url), log: copyLog(dataDir) };
    const lost = await arrive();
    telling = false;
    await Promise.all(registering);
    return { early, late, settled, activated, erased, newcomer, lost, crowd };
  } finally {
    telling = false;
    await service.stop();
    await database.drop();
  }
}
