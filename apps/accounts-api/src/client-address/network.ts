import { isIPv4 } from 'node:net';

const GROUPS = 8;
/** A subscriber is usually given a whole network of this size, and can call from each address in it. */
const SUBSCRIBER_GROUPS = 4;

/**
 * The network that one client can be expected to have: an IPv4 address alone, the /64 network of an IPv6
 * address. An IPv4 address in the form of IPv6 counts as what it is.
 *
 * @param address any spelling of an IP address
 */
export function networkOf(address: string): string {
  if (isIPv4(address)) return `${address}/32`;
  const groups = groupsOf(address);
  const [high, low] = groups.slice(6);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMapped && high !== undefined && low !== undefined) {
    return `${[high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')}/32`;
  }
  const network = groups.slice(0, SUBSCRIBER_GROUPS).map((group) => group.toString(16));
  return `${network.join(':')}::/64`;
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
