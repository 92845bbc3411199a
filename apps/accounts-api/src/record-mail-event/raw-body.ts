import { Transform } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';

const RAW_BODY = Symbol('RawBody');

type RequestWithRawBody = FastifyRequest & { [RAW_BODY]?: readonly Buffer[] };

/**
 * Keeps the bodies of one route as they were received: a signature is over bytes, not over their meaning.
 * To be called before the server listens. The server's limit on bodies holds here as well.
 */
export function keepRawBodies(server: FastifyInstance, path: string): void {
  server.addHook('preParsing', (request, _reply, payload, done) => {
    if (request.routeOptions.url !== path) {
      done(null, payload);
      return;
    }
    const chunks: Buffer[] = [];
    (request as RequestWithRawBody)[RAW_BODY] = chunks;
    const copying = Object.assign(
      new Transform({
        transform(chunk: Buffer, _encoding, next) {
          chunks.push(chunk);
          copying.receivedEncodedLength += chunk.length;
          next(null, chunk);
        },
      }),
      // Compared with Content-Length by the server.
      { receivedEncodedLength: 0 },
    );
    payload.once('error', (error) => copying.destroy(error));
    done(null, payload.pipe(copying));
  });
}

/** @throws Error on a route whose bodies are not kept */
export function rawBodyOf(request: FastifyRequest): Buffer {
  const chunks = (request as RequestWithRawBody)[RAW_BODY];
  if (chunks === undefined) throw new Error('the bodies of this route are not kept');
  return Buffer.concat(chunks);
}
