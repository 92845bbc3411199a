import { randomUUID } from 'node:crypto';
import { request } from 'node:https';
import { isDeepStrictEqual } from 'node:util';
import { BACKWARDS, END, ErrorType, NO_STREAM, jsonEvent } from '@eventstore/db-client';
import type { EventStoreDBClient } from '@eventstore/db-client';
import { EventStoreUnavailable } from './event-store.js';
import { EventStoreNodes, hasType } from './eventstoredb-nodes.js';
import { settingToMend } from './setting-to-mend.js';

/** The user of the product's processes, and the one that only reads. */
const PRODUCT = 'registration';
const AUDITOR = 'registration-auditor';
const ADMINS = '$admins';

const READS_ALL = { $acl: { $r: [ADMINS, PRODUCT, AUDITOR] } };
const ACCESS_OF_STREAMS = {
  $userStreamAcl: {
    $r: [ADMINS, PRODUCT, AUDITOR],
    $w: [ADMINS, PRODUCT],
    $d: [ADMINS],
    $mr: [ADMINS],
    $mw: [ADMINS],
  },
};

/** What `prepareAccess` does, in sentences. */
export const ACCESS_PLAN: readonly string[] = [
  `make the user ${PRODUCT} for the processes of the product, or set its password`,
  `make the user ${AUDITOR}, who only reads, or set its password`,
  `let both read $all: its metadata gets ${JSON.stringify(READS_ALL)}`,
  `take the rights in all streams from everybody else: $settings gets ${JSON.stringify(ACCESS_OF_STREAMS)}`,
];

export interface AccessOptions {
  /** With the name and the password of an administrator of the server. */
  readonly url: string;
  readonly productPassword: string;
  readonly auditorPassword: string;
  /** Called with what was done, step by step. */
  readonly say: (text: string) => void;
}

/**
 * Gives the product and an auditor users of their own, and takes everybody else's rights, but for administrators', in
 * the whole database. Done again it changes nothing but the passwords.
 *
 * @throws EventStoreUrlWrong, EventStoreUnavailable saying what to check, Error with what the server answered
 */
export async function prepareAccess(options: AccessOptions): Promise<void> {
  const { say } = options;
  const nodes = new EventStoreNodes(options.url);
  const tls = nodes.tls;
  if (tls === undefined) {
    throw new EventStoreUnavailable(
      'tls=false in EVENTSTORE_URL: a server without TLS knows no users',
    );
  }
  const node = await nodes.find();
  const client = nodes.clientOf(node);
  const users = async (method: string, path: string, body?: object) => {
    const { username, password } = nodes.credentials;
    const status = await ask(`https://${node.address}:${node.port}/users${path}`, {
      method,
      auth: `${username}:${password}`,
      ca: tls.rootCertificate,
      body,
    });
    if (status !== 401) return status;
    throw new EventStoreUnavailable(
      'check user and password in EVENTSTORE_URL: they are not those of an administrator',
    );
  };
  const requireDone = (what: string, status: number) => {
    if (status < 200 || status > 299)
      throw new Error(`${what}: the event store answered ${status}`);
  };
  const user = async (name: string, fullName: string, password: string) => {
    if ((await users('GET', `/${name}`)) === 200) {
      const path = `/${name}/command/reset-password`;
      requireDone(`the password of ${name}`, await users('POST', path, { newPassword: password }));
      say(`${name} was there; it has this password now`);
      return;
    }
    const body = { loginName: name, fullName, groups: [], password };
    requireDone(`making ${name}`, await users('POST', '/', body));
    say(`made ${name}`);
  };
  try {
    await user(PRODUCT, 'Registration', options.productPassword);
    await user(AUDITOR, 'Auditor of the registration', options.auditorPassword);
    const credentials = nodes.credentials;
    for (const [streamName, type, wanted] of [
      ['$$$all', '$metadata', READS_ALL],
      ['$settings', '$settings', ACCESS_OF_STREAMS],
    ] as const) {
      const newest = await newestOf(client, streamName);
      const data = { ...newest?.data, ...wanted };
      if (newest !== undefined && isDeepStrictEqual(newest.data, data)) {
        say(`${streamName} was as it has to be`);
        continue;
      }
      await client.appendToStream(streamName, jsonEvent({ id: randomUUID(), type, data }), {
        expectedRevision: newest?.revision ?? NO_STREAM,
        credentials,
      });
      say(`wrote ${streamName}`);
    }
  } catch (error) {
    const toMend = settingToMend(error);
    if (toMend === undefined) throw error;
    throw new EventStoreUnavailable(toMend, { cause: error });
  } finally {
    await client.dispose();
    (await client['getChannel']()).close();
  }
}

type Settings = Readonly<Record<string, unknown>>;

async function newestOf(client: EventStoreDBClient, streamName: string) {
  let newest: { readonly revision: bigint; readonly data: Settings } | undefined;
  try {
    const options = { direction: BACKWARDS, fromRevision: END, maxCount: 1 } as const;
    for await (const { event } of client.readStream(streamName, options)) {
      // Not left early: the client would wait for the rest when it is disposed of.
      if (event) newest = { revision: event.revision, data: event.data as Settings };
    }
    return newest;
  } catch (error) {
    if (hasType(error, ErrorType.STREAM_NOT_FOUND)) return undefined;
    throw error;
  }
}

const ANSWERS_WITHIN_MS = 10_000;

/** Node's own fetch takes no certificate of an authority. */
function ask(
  url: string,
  options: {
    readonly method: string;
    readonly auth: string;
    readonly ca: Buffer | undefined;
    readonly body: object | undefined;
  },
): Promise<number> {
  const { body, ca, ...rest } = options;
  return new Promise((resolve, reject) => {
    const asked = request(
      url,
      {
        ...rest,
        ...(ca && { ca }),
        agent: false,
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        timeout: ANSWERS_WITHIN_MS,
      },
      (answer) => {
        answer.resume().on('error', reject);
        answer.on('end', () => resolve(answer.statusCode ?? 0));
      },
    );
    asked.on('timeout', () =>
      asked.destroy(new EventStoreUnavailable(`no answer within ${ANSWERS_WITHIN_MS} ms`)),
    );
    asked.on('error', reject);
    asked.end(body && JSON.stringify(body));
  });
}
