import { once } from 'node:events';
import { connect } from 'node:net';
import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Body, Controller, Get, HttpException, Module, Param, Post, Query } from '@nestjs/common';
import { DocumentBuilder } from '@nestjs/swagger';
import { pino } from 'pino';
import * as z from 'zod';
import { createHttpService } from '../http-service.js';
import type { HttpAnswer, SlowestRequest } from '../http-service.js';
import { listen } from '../listen.js';
import { problemSchemaOf, serveApiDescription } from '../open-api.js';
import { Problem, problemType, serviceUnavailable } from '../problem.js';

/** An error of the example's own kind, which its problem table knows. */
class TeapotRefusesCoffee extends Error {}

export const teapot = problemType('teapot', 418, 'This is a teapot', 'It brews tea only.');

const drink = z.strictObject({
  name: z.string('must be text').min(1, 'must not be empty'),
  cups: z.array(z.object({ size: z.int('must be a whole number') })).optional(),
});

@Controller('drinks')
class DrinksController {
  /** Answers with what it was sent. */
  @Post()
  brew(@Body({ schema: drink }) body: z.infer<typeof drink>): object {
    return body;
  }

  static brewing = 0;

  /** Takes as long as a call may that waits. */
  @Get('brewed-slowly')
  async brewSlowly(@Query('ms') ms: string): Promise<object> {
    DrinksController.brewing += 1;
    await delay(Number(ms));
    return { name: 'tea' };
  }

  @Get()
  list(@Query('fault') fault?: string): object {
    switch (fault) {
      case 'unexpected':
        throw new Error('the secret recipe is on line 7');
      case 'not-an-error':
        throw 'the secret recipe';
      case 'http':
        throw new HttpException('the secret recipe', 502);
      case 'refused':
        throw Object.assign(new Error('the secret recipe'), { statusCode: 423 });
      case 'misunderstood':
        throw new HttpException('the secret recipe', 400);
      case 'known':
        throw new TeapotRefusesCoffee();
      case 'unavailable':
        throw serviceUnavailable('Try again.', 1.2, new Error('connection refused'));
      default:
        return [];
    }
  }

  @Get(':name')
  find(@Param('name') name: string): object {
    return { name };
  }
}

@Module({ controllers: [DrinksController] })
class ExampleModule {}

export interface ExampleService {
  readonly url: string;
  /** Every log line so far, parsed. */
  readonly logged: Readonly<Record<string, unknown>>[];
  /** What `onAnswer` received. */
  readonly answers: HttpAnswer[];
  /** How many slow calls have begun. */
  brewing(): number;
  /** One request over HTTP. */
  call(path: string, init?: RequestInit): Promise<Response>;
  /** Sends bytes as they are and gives all that came back until the server closed the connection. */
  exchange(bytes: string | Buffer): Promise<string>;
  close(): Promise<void>;
}

/** A small service on a free port. */
export async function startExampleService(
  options: { readonly slowestRequest?: SlowestRequest } = {},
): Promise<ExampleService> {
  const logged: Record<string, unknown>[] = [];
  const destination = new Writable({
    write(line: Buffer, _encoding, done) {
      logged.push(JSON.parse(line.toString()) as Record<string, unknown>);
      done();
    },
  });
  const answers: HttpAnswer[] = [];
  const app = await createHttpService(ExampleModule, {
    log: pino({ level: 'trace' }, destination),
    problemTypes: [teapot],
    problemTable: (error) =>
      error instanceof TeapotRefusesCoffee ? new Problem(teapot, 'Ask for tea.') : undefined,
    onAnswer: (answer) => answers.push(answer),
    ...options,
  });
  const paths = { page: 'docs', document: 'openapi.json' };
  serveApiDescription(app, new DocumentBuilder().build(), paths, problemSchemaOf([teapot]));
  const url = await listen(app, '127.0.0.1', 0, 'EXAMPLE_PORT');
  return {
    url,
    logged,
    answers,
    brewing: () => DrinksController.brewing,
    call: (path, init) => fetch(url + path, init),
    exchange: (bytes) => exchange(Number(new URL(url).port), bytes),
    close: () => app.close(),
  };
}

async function exchange(port: number, bytes: string | Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  // A server that closes while we still write is no fault here: what it said before counts.
  socket.on('error', () => socket.destroy());
  socket.write(bytes);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('utf8');
}
