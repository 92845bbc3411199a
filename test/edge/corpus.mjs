import { randomBytes } from 'node:crypto';

/**
 * Names for Basic Auth that fail2ban reads as a date of long ago where it looks for dates anywhere in a line, and
 * others that look like another part of a line.
 */
export const evadingUsers = [
  'victim@example.org',
  '20200101T000000',
  '@4000000037c219bf2ef02e94',
  '2019-01-01T00:00:00+00:00',
  '203.0.113.77 - - [22/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 401 1',
  '" 200 0 "-" "-',
  '12/Mar/2001:00:00:00',
];

/** Time, client and status of each line of the ban log. */
export function linesOfBanLog(text) {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [time, client, status, method] = line.split(' ');
      return { time, client, status, method };
    });
}

const common = (user, request, status, bytes, referrer = '-', agent = 'curl/8') =>
  `203.0.113.9 - ${user} [22/Nov/2026:12:00:00 +0000] "${request}" ${status} ${bytes} "${referrer}" "${agent}"`;

/** Lines as nginx writes them in the format `combined`. */
export const seedCorpus = [
  { line: common('-', 'GET /v1/account HTTP/1.1', 401, 205), is401: true },
  { line: common('ada', 'POST /v1/account/activation HTTP/2.0', 401, 205), is401: true },
  { line: common('-', 'GET /docs HTTP/1.1', 200, 5, '-', 'a 401 b'), is401: false },
  { line: common('-', 'GET /docs HTTP/1.1', 200, 5, 'https://x.test/ 401'), is401: false },
  { line: common('a 401', 'GET /docs HTTP/1.1', 200, 5), is401: false },
  { line: common('-', 'GET /docs HTTP/1.1', 200, 401), is401: false },
  { line: common('-', 'GET /docs HTTP/1.1', 200, 40123), is401: false },
  { line: common('-', 'GET / 401 HTTP/1.1', 400, 5), is401: false },
];

/** A random address, often with long runs of zeros, in the shortest way to write it. */
export function randomIPv6() {
  const groups = Array.from({ length: 8 }, () =>
    randomBytes(1)[0] < 110 ? '0' : randomBytes(2).readUInt16BE().toString(16),
  );
  // An address that embeds an IPv4 one is counted as that.
  if (groups.slice(0, 5).every((group) => group === '0')) groups[0] = '2001';
  return groups.join(':');
}

/** The /64 network of an address, in the shortest way to write it (RFC 5952). */
export function subnetOf(address) {
  const { hostname } = new URL(`http://[${address}]`);
  const [left, right] = hostname.slice(1, -1).split('::');
  const groups = (part) => (part ? part.split(':') : []);
  const missing = Array(8 - groups(left).length - groups(right).length).fill('0');
  const all = [...groups(left), ...missing, ...groups(right)];
  const network = [...all.slice(0, 4), '0', '0', '0', '0'].join(':');
  return `${new URL(`http://[${network}]`).hostname.slice(1, -1)}/64`;
}
