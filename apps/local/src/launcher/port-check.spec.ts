import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { freePort } from './free-port.js';
import { refuseTakenPorts } from './port-check.js';

const host = '127.0.0.1';

describe('port check', () => {
  const other = createServer();
  let taken: number;

  beforeAll(async () => {
    other.listen(0, host);
    await once(other, 'listening');
    taken = (other.address() as AddressInfo).port;
  });
  afterAll(async () => {
    other.close();
    await once(other, 'close');
  });

  it('names the setting, the port and the way out', async () => {
    const free = await freePort();
    await expect(
      refuseTakenPorts([
        { setting: 'API_PORT', host, port: taken },
        { setting: 'MAILBOX_PORT', host, port: free },
      ]),
    ).rejects.toThrow(
      `API_PORT: port ${taken} is taken by another program. ` +
        'Stop that program, or set API_PORT to another port (0 picks a free one)',
    );
  });

  it('names all that are taken at once', async () => {
    const wanted = ['API_PORT', 'MAILBOX_PORT'].map((setting) => ({ setting, host, port: taken }));
    await expect(refuseTakenPorts(wanted)).rejects.toThrow(/API_PORT[^]*MAILBOX_PORT/);
  });

  it('leaves a free port free', async () => {
    const wanted = [{ setting: 'API_PORT', host, port: await freePort() }];
    await refuseTakenPorts(wanted);
    await expect(refuseTakenPorts(wanted)).resolves.toBeUndefined();
  });

  it('has no objection to any free port', async () => {
    await expect(
      refuseTakenPorts([{ setting: 'API_PORT', host, port: 0 }]),
    ).resolves.toBeUndefined();
  });

  it('says when the address is not one of this machine', async () => {
    const wanted = [{ setting: 'API_PORT', host: '192.0.2.1', port: taken }];
    await expect(refuseTakenPorts(wanted)).rejects.toThrow('HOST: 192.0.2.1 is no address');
  });
});
