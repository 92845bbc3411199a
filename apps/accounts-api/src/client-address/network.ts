import { isIPv4 } from 'node:net';

const GROUPS = 8;

/** The networks of one client, from the smallest to the largest; limits count by each of them. */
export interface ClientNetworks {
  /** What one client can be expected to have: an IPv4 address alone, the /64 network of an IPv6 address. */
  readonly host: string;
  /** What providers give to one household or server: the /56 of an IPv6 address. */
  readonly site?: string;
  /** What counts as one network wherever a stranger's price is stated: IPv4 /24, IPv6 /48. */
  readonly network: string;
}

/**
 * The networks of an address. An IPv4 address in the form of IPv6 counts as what it is.
 *
 * @param address any spelling of an IP address
 */
export function networksOf(address: string): ClientNetworks {
  if (isIPv4(address)) return networksOfIPv4(address);
  const groups = groupsOf(address);
  const [high, low] = groups.slice(6);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMapped && high !== undefined && low !== undefined) {
    return networksOfIPv4([high >> 8, high & 0xff, low >> 8, low & 0xff].join('.'));
  }
  const prefix = (count: number, lastMask = 0xffff) =>
    groups
      .slice(0, count)
      .map((group, index) => (index === count - 1 ? group & lastMask : group).toString(16))
      .join(':');
  return {
    host: `${prefix(4)}::/64`,
    site: `${prefix(4, 0xff00)}::/56`,
    network: `${prefix(3)}::/48`,
  };
}

function networksOfIPv4(address: string): ClientNetworks {
  return { host: `${address}/32`, network: `${address.replace(/\.\d+$/, '.0')}/24` };
}

/** The eight groups of an IPv6 address; the URL parser knows all its spellings. */
function groupsOf(address: string): number[] {
  const [withoutZone = ''] = address.split('%', 1);
  const canonical = new URL(`http://[${withoutZone}]`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const parsed = (part: string) =>
    part === '' ? [] : part.split(':').map((hex) => parseInt(hex, 16));
  const [before, after] = [parsed(head), parsed(tail ?? '')];
  const gap = tail === undefined ? 0 : GROUPS - before.length - after.length;
  return [...before, ...new Array<number>(gap).fill(0), ...after];
}
