import type { ServerResponse } from 'node:http';

/** The part of Fastify's reply that the mailbox uses. */
export interface Reply {
  readonly sent: boolean;
  readonly raw: ServerResponse;
  status(code: number): this;
  header(name: string, value: string | number): this;
  send(body: unknown): this;
  /** Takes the connection out of Fastify's hands: it will not answer any more. */
  hijack(): this;
}
