import type { RequestListener } from 'node:http';
import type { Behaviour } from './behaviour.js';
import type { Address } from './grpc/gossip-service.js';

/** `GET /health/live`, `/info` and `/gossip`, by which scripts find out whether the server works. */
export function statusPages(
  behaviour: Behaviour,
  isReady: () => boolean,
  advertised: () => Address,
): RequestListener {
  const { version, takesLiveCode } = behaviour;
  return (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const json = (body: unknown): void => {
      response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
      response.end(JSON.stringify(body));
    };
    const state = isReady() ? 'Leader' : 'Initializing';
    if (pathname === '/health/live') {
      const wanted = Number(searchParams.get('liveCode') ?? 204);
      const liveCode = takesLiveCode && wanted >= 200 && wanted < 600 ? wanted : 204;
      response.writeHead(isReady() ? liveCode : 503).end();
    } else if (pathname === '/info') json({ dbVersion: version, state: state.toLowerCase() });
    else if (pathname === '/gossip') {
      const { host, port } = advertised();
      const member = { state, isAlive: true, httpEndPointIp: host, httpEndPointPort: port };
      json({ members: [member], serverIp: host, serverPort: port });
    } else response.writeHead(404).end();
  };
}
