import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it } from '@jest/globals';
import { startTlsFront } from './tls-front.js';

it('closes while a client is in its handshake', async () => {
  const front = await startTlsFront({ h2: 1 });
  const client = connect({ port: front.port, host: '127.0.0.1' });
  await once(client, 'connect');
  // Until the server has taken it.
  client.write(Buffer.from([22, 3, 1]));
  await new Promise((later) => setTimeout(later, 50));
  const cut = once(client, 'close');
  await front.close();
  await cut;
  expect(client.destroyed).toBe(true);
});
