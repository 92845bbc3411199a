import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ProviderRequest {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

/** Answers one request; an answer that is never ended keeps the sender waiting. */
export type ProviderAnswer = (response: ServerResponse, request: ProviderRequest) => void;

/** An e-mail provider on this machine that answers as a spec sets. */
export interface ScriptedProvider {
  readonly url: string;
  readonly requests: readonly ProviderRequest[];
  /** How the next requests are answered, one after the other; the last one stays. */
  answers(...answers: [ProviderAnswer, ...ProviderAnswer[]]): void;
  close(): Promise<void>;
}

export const accepts =
  (id = 'message-1'): ProviderAnswer =>
  (response) =>
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ id }));

export const refuses =
  (status: number, headers: Record<string, string> = {}): ProviderAnswer =>
  (response) =>
    response.writeHead(status, headers).end('{"message":"no"}');

export const staysSilent: ProviderAnswer = () => undefined;

export const cutsTheConnection: ProviderAnswer = (response) => response.destroy();

export async function startScriptedProvider(): Promise<ScriptedProvider> {
  const requests: ProviderRequest[] = [];
  let script: ProviderAnswer[] = [accepts()];
  const server = createServer((message, response) => {
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const request: ProviderRequest = {
        method: message.method,
        path: message.url,
        headers: message.headers,
        body: text === '' ? undefined : JSON.parse(text),
      };
      requests.push(request);
      const answer = script.length > 1 ? script.shift() : script[0];
      answer?.(response, request);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    answers: (...answers) => {
      script = [...answers];
    },
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
