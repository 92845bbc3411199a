import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { killIfRunning } from '../support/processes.mjs';

/** Addresses in the namespaces; nothing of it can be seen from outside. */
export const EDGE = { v4: '10.66.1.1', v6: 'fd66:0:0:a::1' };
export const EDGE_FOR_NEIGHBOUR = { v4: '10.66.2.1', v6: 'fd66:0:0:b::1' };
export const NEIGHBOUR = { v4: '10.66.2.11', v6: 'fd66:0:0:b::11' };
/** The edge's default route goes over it: it stands for Docker's gateway. */
export const GATEWAY = '10.66.2.254';
/** A server in front that is trusted to say whom it speaks for. */
export const TRUSTED_PROXY = '10.66.2.60';
export const attackerV4 = (last) => `10.66.1.${last}`;
export const attackerV6 = (last) => `fd66:0:0:a::${last}`;

const ATTACKER_ADDRESSES = Array.from({ length: 60 }, (_, index) => index + 11);

/**
 * Three network namespaces: the edge, an attacker with many addresses, and a neighbour.
 *
 * @returns what runs commands in them, and removes them
 */
export function createNetwork() {
  const id = process.pid.toString(36);
  const names = {
    edge: `edge-${id}`,
    attacker: `attacker-${id}`,
    neighbour: `neighbour-${id}`,
  };
  const created = [];
  const remove = () => {
    for (const name of created.splice(0)) {
      for (const pid of ip('netns', 'pids', name).split(/\s+/).filter(Boolean)) killIfRunning(pid);
      ip('netns', 'delete', name);
    }
  };
  try {
    for (const name of Object.values(names)) {
      ip('netns', 'add', name);
      created.push(name);
      ip('-n', name, 'link', 'set', 'lo', 'up');
      allowIPv6(name);
    }
    connect(
      names.edge,
      names.attacker,
      'attacker',
      [EDGE.v4, EDGE.v6],
      [...ATTACKER_ADDRESSES.map(attackerV4), ...ATTACKER_ADDRESSES.map(attackerV6)],
    );
    connect(names.edge, names.neighbour, 'neighbour', Object.values(EDGE_FOR_NEIGHBOUR), [
      NEIGHBOUR.v4,
      TRUSTED_PROXY,
      GATEWAY,
      NEIGHBOUR.v6,
    ]);
    ip('-n', names.edge, 'route', 'add', 'default', 'via', GATEWAY);
    ip('-n', names.attacker, 'route', 'add', 'default', 'via', EDGE.v4);
    ip('-n', names.neighbour, 'route', 'add', 'default', 'via', EDGE_FOR_NEIGHBOUR.v4);
  } catch (error) {
    remove();
    throw error;
  }
  return {
    remove,
    names,
    /** Starts a command in one of the namespaces. */
    spawn: (where, command, args, options) =>
      spawn('ip', ['netns', 'exec', names[where], command, ...args], options),
    /** Runs it to its end. */
    run: (where, command, args, options) =>
      spawnSync('ip', ['netns', 'exec', names[where], command, ...args], {
        encoding: 'utf8',
        ...options,
      }),
  };
}

function connect(one, other, device, ownAddresses, otherAddresses) {
  ip('-n', one, 'link', 'add', device, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', other);
  const add = (name, to, address) =>
    address.includes(':')
      ? ip('-n', name, 'address', 'add', `${address}/64`, 'dev', to, 'nodad')
      : ip('-n', name, 'address', 'add', `${address}/24`, 'dev', to);
  for (const address of ownAddresses) add(one, device, address);
  for (const address of otherAddresses) add(other, 'eth0', address);
  ip('-n', one, 'link', 'set', device, 'up');
  ip('-n', other, 'link', 'set', 'eth0', 'up');
}

function allowIPv6(name) {
  const shell = 'for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 0 > "$f"; done';
  spawnSync('ip', ['netns', 'exec', name, 'sh', '-c', shell], { stdio: 'ignore' });
}

function ip(...args) {
  const { status, stdout, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr.trim()}`);
  return stdout;
}

/** Writes a file and returns its path. */
export function writeAs(path, content) {
  writeFileSync(path, content);
  return path;
}

/** Makes a folder and returns its path. */
export function folderIn(folder, name) {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
}
