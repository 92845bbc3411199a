import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fastify } from 'fastify';
import type { FastifyInstance } from 'fastify';
import { KnownRoutes } from './known-routes.js';

describe('Known routes', () => {
  let server: FastifyInstance;
  let routes: KnownRoutes;

  beforeEach(async () => {
    server = fastify();
    routes = new KnownRoutes();
    routes.watch(server);
    const answer = () => 'ok';
    server.get('/v1/drinks', answer);
    server.post('/v1/drinks', answer);
    server.get('/v1/drinks/:name', answer);
    server.delete('/v1/drinks/:name', answer);
    server.route({ method: ['PUT', 'PATCH'], url: '/v1/a.b+c', handler: answer });
    await server.ready();
  });
  afterEach(() => server.close());

  it.each([
    ['/v1/drinks', ['GET', 'HEAD', 'POST']],
    ['/v1/drinks/tea', ['DELETE', 'GET', 'HEAD']],
    ['/v1/drinks/green%20tea', ['DELETE', 'GET', 'HEAD']],
    ['/v1/dr%69nks', ['GET', 'HEAD', 'POST']],
    ['/v1/a.b+c', ['PATCH', 'PUT']],
    ['/v1/drinks/', ['GET', 'HEAD', 'POST']],
    ['/v1/drinks/tea/', ['DELETE', 'GET', 'HEAD']],
  ])('lists what %s takes', (path, methods) => {
    expect(routes.methodsOf(path)).toEqual(methods);
  });

  it.each([
    '/',
    '',
    '/v1',
    '/v1/drinks/tea/cups',
    '/v1/drinks//',
    '/V1/drinks',
    '/v1/aXb+c',
    '/v1/%zz',
    '//v1/drinks',
    '/v1/drinks%2ftea/x',
  ])('knows nothing at %p', (path) => {
    expect(routes.methodsOf(path)).toEqual([]);
  });
});
