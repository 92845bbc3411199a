import { BlockList, isIP } from 'node:net';
import type { RequestClient } from '@app/event-store';
import { callerRequestIdOf } from '@app/http-service';
import type { FastifyRequest } from 'fastify';
import * as z from 'zod';
import { networksOf } from './network.js';
import type { ClientNetworks } from './network.js';

/** The part of a request that its client address is read from. */
export type ForwardedRequest = Pick<FastifyRequest, 'headers'> & {
  readonly raw: { readonly socket: { readonly remoteAddress?: string | undefined } };
};

/** Calls whose connection closed before the address was read count under this name. */
const UNKNOWN = 'unknown';
/** Characters. Browsers stay below; what a client writes beyond that is not kept. */
const MOST_OF_USER_AGENT = 256;

/**
 * Knows which client a request comes from. X-Forwarded-For counts only as far as trusted proxies wrote it:
 * it is read from its end, and the first address that is no trusted proxy is the client. Whatever stands
 * before that, the client may have made up.
 */
export class ClientAddresses {
  constructor(private readonly trustedProxies: TrustedProxies) {}

  /** The client's address; `unknown` when the connection is gone already. */
  addressOf(request: ForwardedRequest): string {
    const peer = request.raw.socket.remoteAddress;
    if (peer === undefined || isIP(peer) === 0) return UNKNOWN;
    const header = request.headers['x-forwarded-for'];
    const hops = [header ?? []].flat().flatMap((line) => line.split(','));
    let client = peer;
    for (const hop of hops.reverse()) {
      const address = withoutPort(hop.trim());
      if (!this.trustedProxies.include(client) || isIP(address) === 0) break;
      client = address;
    }
    return client;
  }

  /** The client that the events of this request record. */
  clientOf(request: ForwardedRequest): RequestClient {
    const userAgent = request.headers['user-agent']?.slice(0, MOST_OF_USER_AGENT);
    const requestId = callerRequestIdOf(request.headers);
    return {
      address: this.addressOf(request),
      ...(userAgent && { userAgent }),
      ...(requestId && { requestId }),
    };
  }

  /** The networks that limits count the client by. */
  networksOf(request: ForwardedRequest): ClientNetworks {
    const address = this.addressOf(request);
    return address === UNKNOWN ? { host: UNKNOWN, network: UNKNOWN } : networksOf(address);
  }
}

/** Networks that no client can have, by the names that are usual for them. */
const namedNetworks: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

/** The servers in front of this one whose word about a client's address counts. */
export class TrustedProxies {
  private readonly networks = new BlockList();

  /**
   * @param text addresses, networks such as `10.1.0.0/16`, `loopback` or `private`, separated by commas;
   *   empty for none
   * @throws RangeError naming the entry that is none of these
   */
  constructor(text: string) {
    const entries = text.split(',').map((entry) => entry.trim());
    for (const entry of entries.filter((one) => one !== '')) {
      for (const network of namedNetworks[entry] ?? [entry]) this.add(network);
    }
  }

  include(address: string): boolean {
    return this.networks.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }

  private add(network: string): void {
    const [address = '', bits, ...more] = network.split('/');
    const version = isIP(address);
    const most = version === 6 ? 128 : 32;
    const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : NaN;
    if (version === 0 || more.length > 0 || !(prefix >= 0 && prefix <= most)) {
      throw new RangeError(`"${network}" is neither an address nor a network`);
    }
    this.networks.addSubnet(address, prefix, version === 6 ? 'ipv6' : 'ipv4');
  }
}

/** Zod type of a setting that names trusted proxies, for `loadConfiguration`. */
export function trustedProxiesSetting() {
  return z.string().transform((text, context) => {
    try {
      return new TrustedProxies(text);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const message = 'must be addresses, networks (10.1.0.0/16), loopback or private';
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    }
  });
}

/** Some proxies write the client's port as well: `203.0.113.9:4711`, `[2001:db8::1]:4711`. */
function withoutPort(hop: string): string {
  const [, v6, v4] = /^(?:\[([\da-fA-F:.%]+)\]|([\d.]+))(?::\d{1,5})?$/.exec(hop) ?? [];
  return v6 ?? v4 ?? hop;
}
