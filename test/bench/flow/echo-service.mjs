/** The limit of every call: an echo on the product's HTTP adapter, Nest on Fastify, and nothing behind it. */
import 'reflect-metadata';
import { Body, Controller, HttpCode, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';

class EchoController {
  echo(body) {
    return body;
  }
}
Reflect.defineMetadata('design:paramtypes', [Object], EchoController.prototype, 'echo');
Body()(EchoController.prototype, 'echo', 0);
const route = Object.getOwnPropertyDescriptor(EchoController.prototype, 'echo');
HttpCode(200)(EchoController.prototype, 'echo', route);
Post('echo')(EchoController.prototype, 'echo', route);
Controller()(EchoController);

class EchoModule {}
Module({ controllers: [EchoController] })(EchoModule);

const app = await NestFactory.create(EchoModule, new FastifyAdapter(), { logger: false });
await app.listen(0, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
process.send({ kind: 'ready', endpoints: { api: await app.getUrl() } });
