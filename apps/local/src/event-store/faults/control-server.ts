import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as z from 'zod';
import type { OpenStreams } from '../grpc/open-streams.js';
import { notReady } from '../grpc/rpc-errors.js';
import type { StreamStore } from '../streams/stream-store.js';
import { faultsSchema, METHODS } from './fault-switches.js';
import type { FaultSwitches } from './fault-switches.js';

const MAX_BODY_LENGTH = 65_536;

const dropSchema = z.strictObject({
  /** Only calls of these methods; all when left out. */
  methods: z.array(z.enum(METHODS)).optional(),
});

/** The parts of the event store that the control port reaches. */
interface Controlled {
  readonly faults: FaultSwitches;
  readonly openStreams: OpenStreams;
  readonly store: StreamStore;
}

/** A request that cannot be served, with the reason as its message. */
class BadRequest extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = 'BadRequest';
  }
}

/**
 * HTTP with JSON, for tests: `GET|PUT|DELETE /faults`, `POST /drop-streams`, `POST /overrun-subscribers`,
 * `GET /state`.
 */
export class ControlServer {
  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async start(host: string, port: number, parts: Controlled): Promise<ControlServer> {
    const server = createServer((request, response) => {
      const send = (status: number, body: unknown): void => {
        response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
        response.end(JSON.stringify(body));
      };
      serve(request, parts).then(
        (body) => send(200, body),
        (error: unknown) =>
          error instanceof BadRequest
            ? send(error.status, { error: error.message })
            : send(500, { error: String(error) }),
      );
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) =>
        reject(new Error(`EVENTSTORE_CONTROL_PORT ${port} cannot be used: ${error.message}`)),
      );
      server.listen(port, host, resolve);
    });
    return new ControlServer(server, (server.address() as AddressInfo).port);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

async function serve(
  request: IncomingMessage,
  { faults, openStreams, store }: Controlled,
): Promise<unknown> {
  switch (`${request.method} ${request.url}`) {
    case 'GET /faults':
      return faults.current;
    case 'PUT /faults':
      faults.set(await bodyOf(request, faultsSchema));
      return faults.current;
    case 'DELETE /faults':
      faults.set(faultsSchema.parse({}));
      return faults.current;
    case 'POST /drop-streams': {
      const { methods } = await bodyOf(request, dropSchema);
      return { dropped: openStreams.failAll(notReady(), methods) };
    }
    case 'POST /overrun-subscribers':
      return { overrun: openStreams.overrunAll() };
    case 'GET /state':
      // Figures by which tests recognise a leak.
      return {
        events: store.visibleEvents,
        openStreams: openStreams.size,
        listeners: store.listenerCount,
        residentBytes: process.memoryUsage.rss(),
      };
    default:
      throw new BadRequest(404, 'the control port knows no such request');
  }
}

async function bodyOf<Schema extends z.ZodType>(
  request: IncomingMessage,
  schema: Schema,
): Promise<z.infer<Schema>> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk as string;
    if (text.length > MAX_BODY_LENGTH) throw new BadRequest(413, 'the body is too long');
  }
  let body: unknown;
  try {
    body = JSON.parse(text || '{}');
  } catch (error) {
    throw new BadRequest(400, `the body is not JSON: ${(error as Error).message}`);
  }
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new BadRequest(400, z.prettifyError(parsed.error));
  return parsed.data;
}
