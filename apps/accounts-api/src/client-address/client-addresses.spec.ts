import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ClientAddresses, TrustedProxies } from './client-addresses.js';
import { networksOf } from './network.js';

const request = (remoteAddress: string | undefined, forwardedFor?: string | string[]) => ({
  raw: { socket: { remoteAddress } },
  headers: { 'x-forwarded-for': forwardedFor } as Record<string, string>,
});

const clients = (trusted: string) => new ClientAddresses(new TrustedProxies(trusted));

describe('The address of a client', () => {
  it('is that of its connection while no proxy is trusted', () => {
    expect(clients('').addressOf(request('203.0.113.9', '198.51.100.1'))).toBe('203.0.113.9');
    expect(clients('').addressOf(request('203.0.113.9'))).toBe('203.0.113.9');
  });

  it('is what a trusted proxy says', () => {
    const trusting = clients('10.0.0.0/8, 192.0.2.7, fd00::/8');
    expect(trusting.addressOf(request('10.1.2.3', '198.51.100.1'))).toBe('198.51.100.1');
    expect(trusting.addressOf(request('192.0.2.7', '2001:db8::1'))).toBe('2001:db8::1');
    expect(trusting.addressOf(request('fd12::1', '198.51.100.1'))).toBe('198.51.100.1');
    expect(trusting.addressOf(request('::ffff:10.1.2.3', '198.51.100.1'))).toBe('198.51.100.1');
    expect(trusting.addressOf(request('10.1.2.3'))).toBe('10.1.2.3');
  });

  it('is not what the client itself wrote before the proxies', () => {
    const trusting = clients('10.0.0.0/8');
    expect(trusting.addressOf(request('10.0.0.1', '1.1.1.1, 203.0.113.9'))).toBe('203.0.113.9');
    expect(trusting.addressOf(request('10.0.0.1', '1.1.1.1, 203.0.113.9, 10.0.0.2'))).toBe(
      '203.0.113.9',
    );
    const ten = 'unknown, 1.1.1.1:80, [2001:db8::1]:80, _x, 1.2.3, , 10.9.9.9, [::1], unknown';
    expect(trusting.addressOf(request('10.0.0.1', `${ten}, 203.0.113.9:443`))).toBe('203.0.113.9');
    const many = '1.1.1.1,'.repeat(1_000);
    expect(trusting.addressOf(request('10.0.0.1', `${many}203.0.113.9`))).toBe('203.0.113.9');
    expect(trusting.addressOf(request('10.0.0.1', ['1.1.1.1', '203.0.113.9']))).toBe('203.0.113.9');
    expect(trusting.addressOf(request('203.0.113.9', '10.0.0.5'))).toBe('203.0.113.9');
  });

  it('is the last that can be believed when the header has something else', () => {
    const trusting = clients('loopback,private');
    for (const nonsense of [
      '',
      ',',
      'unknown',
      '1.2.3',
      '_hidden',
      '1.2.3.4:port',
      '2001:db8::1:',
      '[1.2.3.4',
      'a'.repeat(9_999),
    ]) {
      expect(trusting.addressOf(request('127.0.0.1', nonsense))).toBe('127.0.0.1');
    }
    expect(trusting.addressOf(request('127.0.0.1', 'x, 192.168.1.1'))).toBe('192.168.1.1');
  });

  it.each([
    ['203.0.113.9:4711', '203.0.113.9'],
    ['[2001:db8::1]:4711', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
  ])('is understood with the port that some proxies add: %s', (hop, address) => {
    expect(clients('loopback').addressOf(request('127.0.0.1', `1.1.1.1, ${hop}`))).toBe(address);
  });

  it('is unknown when the connection has gone', () => {
    expect(clients('private').networksOf(request(undefined, '1.2.3.4'))).toEqual({
      host: 'unknown',
      network: 'unknown',
    });
  });

  it.each(['10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/', '::/129', 'web', '10.0.0.0/8/8', '1.2.3'])(
    'cannot be had from the proxies %p',
    (text) => {
      expect(() => new TrustedProxies(`loopback,${text}`)).toThrow(RangeError);
    },
  );
});

describe('A client', () => {
  const calling = (userAgent?: string) => ({
    ...request('203.0.113.9'),
    headers: { 'user-agent': userAgent },
  });

  it('has an address and its own user agent', () => {
    const client = clients('').clientOf(calling('curl/8.5.0'));
    expect(client).toEqual({ address: '203.0.113.9', userAgent: 'curl/8.5.0' });
  });

  it('has its own name for the request when that is a UUID', () => {
    const given = '5f0c6f0e-1b7a-4c55-9a53-0d8a7f3a2b10';
    const named = (id: string) => ({ ...calling(), headers: { 'x-request-id': id } });
    expect(clients('').clientOf(named(given)).requestId).toBe(given);
    expect(clients('').clientOf(named('ada@example.org'))).toEqual({ address: '203.0.113.9' });
  });

  it('may say nothing, and is not listened to for long', () => {
    for (const silent of [undefined, '']) {
      expect(clients('').clientOf(calling(silent))).toEqual({ address: '203.0.113.9' });
    }
    expect(clients('').clientOf(calling('x'.repeat(8_000))).userAgent).toHaveLength(256);
  });
});

describe('The networks of a client', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9/32', undefined, '203.0.113.0/24'],
    ['::ffff:203.0.113.9', '203.0.113.9/32', undefined, '203.0.113.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64', '2001:db8:1:0::/56', '2001:db8:1::/48'],
    ['2001:DB8:1:a2b3::', '2001:db8:1:a2b3::/64', '2001:db8:1:a200::/56', '2001:db8:1::/48'],
    ['2001:db8::1', '2001:db8:0:0::/64', '2001:db8:0:0::/56', '2001:db8:0::/48'],
    ['::1', '0:0:0:0::/64', '0:0:0:0::/56', '0:0:0::/48'],
    ['1::', '1:0:0:0::/64', '1:0:0:0::/56', '1:0:0::/48'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64', 'fe80:0:0:0::/56', 'fe80:0:0::/48'],
  ])('of %s are known', (address, host, site, network) => {
    expect(networksOf(address)).toEqual({ host, ...(site && { site }), network });
  });

  it('are the same for every address of one /64, and others for the next', () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.ipV6(), (one, other) => {
        const [networks, second] = [networksOf(one), networksOf(other)];
        if (networks.site === undefined) return;
        const inside = `${networks.host.slice(0, -'::/64'.length)}:1:2:3:4`;
        expect(networksOf(inside)).toEqual(networks);
        if (second.host !== networks.host) expect(networksOf(other)).not.toEqual(networks);
      }),
    );
  });
});
