/**
 * CrowdSec in place of fail2ban, as it is shipped: the same story as for fail2ban, and the same corpus. It has no
 * way out of its network namespace, so nothing comes from its hub or goes to its servers.
 */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { seedCorpus } from './corpus.mjs';
import * as net from './network.mjs';

/** As in docker/crowdsec/Dockerfile: unpacked, because the packages' scripts want CrowdSec's servers. */
const UNPACK =
  `'${join(import.meta.dirname, '../support/apt-get.sh')}' download crowdsec crowdsec-firewall-bouncer && ` +
  'for package in ./*.deb; do dpkg -x "$package" packages || exit 1; done && rm ./*.deb';

/**
 * Debian's packages of CrowdSec and its firewall bouncer, in a folder of their own.
 *
 * @returns the folder they are unpacked to
 * @throws Error when they cannot be had
 */
export function unpackCrowdSec(folder) {
  mkdirSync(folder);
  const unpacking = spawn('sh', ['-c', UNPACK], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  unpacking.stderr.on('data', (chunk) => (errors += chunk));
  return new Promise((resolve, reject) =>
    unpacking.once('close', (code) =>
      code === 0
        ? resolve(join(folder, 'packages'))
        : reject(new Error(`CrowdSec's packages cannot be had\n${errors.slice(-1_000)}`)),
    ),
  );
}

/** Which scenario counts a line of the ban log; none for most. */
function scenarioOf(line) {
  const [, client, status] = line.split(' ');
  if ([net.GATEWAY, net.EDGE.v4, net.EDGE_FOR_NEIGHBOUR.v4, '127.0.0.1'].includes(client))
    return '';
  const name = {
    400: 'bad-request',
    401: 'unauthorized',
    422: 'wrong-code',
    429: 'too-many-requests',
  }[status];
  if (!name) return '';
  return `registration/${name}${client.includes(':') ? '-ipv6' : ''}`;
}

/** Scenarios that CrowdSec hands each line to, by the line; `unread` where its parser takes none of it. */
function readExplanation(output) {
  const explained = new Map();
  for (const part of output.split(/^line: /m).slice(1)) {
    const [line] = part.split('\n', 1);
    const scenarios = part.split('├ Scenarios')[1] ?? '';
    const names = [...scenarios.matchAll(/🟢 (\S+)/g)].map(([, name]) => name);
    const unread = part.includes('parser failure') && !part.includes('[whitelisted]');
    explained.set(line, unread ? 'unread' : names.join());
  }
  return explained;
}

/**
 * @param tools of the run: check, eventually, edge, statuses and how requests are made
 * @param banLog every line that nginx has written in this run
 */
export async function proveCrowdSec(tools, { packages, attacker, neighbour, banLog, folder }) {
  const { check, eventually, edge, statuses, wrongPassword, badRequest } = tools;
  const host = net.EDGE.v4;
  const connection = (from, to = host) => attacker.connection({ host: to, from });
  const decisions = () => JSON.parse(edge.cscli('decisions', 'list', '-o', 'json').stdout) ?? [];
  const decided = () => decisions().flatMap((alert) => alert.decisions);
  const bannedWithin3s = (from, to) =>
    eventually(3_000, async () => (await connection(from, to)) === 'ECONNREFUSED');

  const crowdsec = edge.startCrowdSec(packages);
  const ready = (starts) =>
    eventually(
      20_000,
      () => edge.outputOf('crowdsec').split('crowdsec start: ready').length > starts,
    );
  check('crowdsec: runs with NET_ADMIN alone and without its servers', await ready(1));
  const corpus = explains(tools, { banLog, folder });

  // The log is read in order: when the last of these is banned, all before were counted.
  const gateway = Array.from({ length: 12 }, () =>
    wrongPassword(net.EDGE_FOR_NEIGHBOUR.v4, net.GATEWAY),
  );
  await neighbour.calls(gateway, 1);
  const nine = Array.from({ length: 9 }, () => wrongPassword(host, net.attackerV4(41)));
  await attacker.calls(nine, 1);
  for (const [what, from, attempt, status] of [
    ['wrong passwords, IPv4', net.attackerV4(42), wrongPassword, 401],
    ['bad requests, IPv4', net.attackerV4(43), badRequest, 400],
  ]) {
    const answers = await attacker.calls(
      Array.from({ length: 10 }, () => attempt(host, from)),
      1,
    );
    const since = Date.now();
    check(
      `crowdsec: ${what}: the eleventh is refused within 3 s`,
      statuses(answers)[status] === 10 && (await bannedWithin3s(from)),
      `${Date.now() - since} ms`,
    );
  }
  const values = decided().map(({ scope, value }) => `${scope} ${value}`);
  check(
    'crowdsec: banned are the two offenders, not nine wrong passwords, not the gateway',
    values.sort().join() === `Ip ${net.attackerV4(42)},Ip ${net.attackerV4(43)}`,
    values,
  );
  const seconds = decided().map(({ duration }) => {
    const [, minutes, rest] = /^(\d+)m([\d.]+)s$/.exec(duration) ?? [];
    return Number(minutes) * 60 + Number(rest);
  });
  check(
    'crowdsec: for 600 s',
    seconds.every((left) => left > 570 && left <= 600),
    seconds,
  );
  check(
    'crowdsec: another address of the attacker is untouched',
    (await connection(net.attackerV4(41))) === 'connected',
  );
  await tools.neighbourIsServed(neighbour, 'by CrowdSec');

  const network = Array.from({ length: 10 }, (_, index) =>
    wrongPassword(net.EDGE.v6, net.attackerV6(11 + index)),
  );
  await attacker.calls(network, 1);
  check(
    'crowdsec: ten addresses of one IPv6 /64: an address that did nothing is refused',
    await bannedWithin3s(net.attackerV6(69), net.EDGE.v6),
  );
  check(
    'crowdsec: the decision is about the /64',
    decided().some(({ scope, value }) => scope === 'Range' && value === 'fd66:0:0:a::/64'),
  );
  await tools.neighbourIsServed(neighbour, 'by the ban of a /64 by CrowdSec');
  await corpus;

  crowdsec.child.kill('SIGKILL');
  tools.killNamed('edge', 'crowdsec');
  await crowdsec.exited;
  check(
    'crowdsec: kill -9 of engine and bouncer leaves the ban',
    (await connection(net.attackerV4(42))) === 'ECONNREFUSED',
  );
  edge.startCrowdSec(packages);
  await ready(2);
  check(
    'crowdsec: after its restart it knows the bans',
    decided().length === 3 && (await connection(net.attackerV4(42))) === 'ECONNREFUSED',
    decided().length,
  );
  edge.cscli('decisions', 'delete', '--ip', net.attackerV4(42));
  check(
    'crowdsec: an operator can end a ban',
    await eventually(3_000, async () => (await connection(net.attackerV4(42))) === 'connected'),
  );
}

/** What its parser and scenarios make of every different line of the run, and of lines made by hand. */
async function explains({ check, edge }, { banLog, folder }) {
  const lines = [...new Set(banLog.split('\n').filter((line) => line !== ''))];
  const foreign = seedCorpus.map(({ line }) => line);
  const file = net.writeAs(join(folder, 'crowdsec.log'), `${[...lines, ...foreign].join('\n')}\n`);
  const explained = readExplanation(await edge.explainByCrowdSec(file));
  const missed = lines.filter((line) => scenarioOf(line) !== '' && !explained.get(line));
  const wrong = lines.filter((line) => explained.get(line) !== scenarioOf(line));
  const counted = lines.filter((line) => scenarioOf(line) !== '').length;
  check(
    `crowdsec: of ${lines.length} different lines it counts the ${counted} that count, by the right scenario`,
    counted > 10 && missed.length === 0 && wrong.length === 0,
    { missed: missed.slice(0, 3), wrong: wrong.slice(0, 3) },
  );
  const read = foreign.filter((line) => explained.get(line) !== 'unread');
  check('crowdsec: on the lines of a common access log it reads nothing', read.length === 0, read);
}
