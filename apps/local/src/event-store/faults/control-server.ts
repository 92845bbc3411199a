import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as z from 'zod';
import { faultsSchema, METHODS } from './fault-switches.js';
import type { Faults, Method } from './fault-switches.js';

const MAX_BODY_LENGTH = 65_536;

const dropSchema = z.strictObject({
  /** Only calls of these methods; all when left out. */
  methods: z.array(z.enum(METHODS)).optional(),
});

/** What the control port can do to the event store. */
export interface Controls {
  faults(): Faults;
  setFaults(faults: Faults): void;
  /** Ends open calls of these methods, or of all, that answer with a stream. @returns how many */
  dropStreams(methods?: readonly Method[]): number;
  /** Treats every live subscriber as one that did not keep up. @returns how many */
  overrunSubscribers(): number;
  /** Figures by which tests recognise a leak. */
  state(): Readonly<Record<string, number>>;
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

  static async start(host: string, port: number, controls: Controls): Promise<ControlServer> {
    const server = createServer((request, response) => {
      const send = (status: number, body: unknown): void => {
        response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
        response.end(JSON.stringify(body));
      };
      serve(request, controls).then(
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

async function serve(request: IncomingMessage, controls: Controls): Promise<unknown> {
  switch (`${request.method} ${request.url}`) {
    case 'GET /faults':
      return controls.faults();
    case 'PUT /faults':
      controls.setFaults(await bodyOf(request, faultsSchema));
      return controls.faults();
    case 'DELETE /faults':
      controls.setFaults(faultsSchema.parse({}));
      return controls.faults();
    case 'POST /drop-streams':
      return { dropped: controls.dropStreams((await bodyOf(request, dropSchema)).methods) };
    case 'POST /overrun-subscribers':
      return { overrun: controls.overrunSubscribers() };
    case 'GET /state':
      return controls.state();
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
