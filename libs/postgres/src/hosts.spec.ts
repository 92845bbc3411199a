import { describe, expect, it } from '@jest/globals';
import { DatabaseUnavailable } from './database.js';
import { DatabaseHosts, DatabaseReadOnly, NotOfTheHost } from './hosts.js';

describe('the hosts of a database URL', () => {
  const several =
    'postgres://me:p%2C%40w@one:5432,two:5433,[::1]:5434/accounts?target_session_attrs=read-write';
  const urls = ['one:5432', 'two:5433', '[::1]:5434'].map(
    (host) => `postgres://me:p%2C%40w@${host}/accounts?target_session_attrs=read-write`,
  );

  it.each([
    ['postgres://me@one/accounts', false],
    ['postgres://me@one/accounts?target_session_attrs=any', false],
    ['postgresql://me:pw@one:5432/accounts?target_session_attrs=read-write', true],
    ['postgres://me@one/accounts?sslmode=require&target_session_attrs=primary', true],
    ['postgres:///accounts?host=/var/run/postgresql', false],
  ])('may be one: %s', (url, mustWrite) => {
    const hosts = new DatabaseHosts(url);
    expect([hosts.current, hosts.mustWrite]).toEqual([url, mustWrite]);
    hosts.moveOn(url);
    expect(hosts.current).toBe(url);
  });

  it('are tried in turn, beginning with the one in use, until one is of use', async () => {
    const left: string[] = [];
    const hosts = new DatabaseHosts(several, (host) => left.push(host));
    expect(hosts.mustWrite).toBe(true);
    const tried: string[] = [];
    const third = await hosts.inTurn(async (url) => {
      tried.push(url);
      if (url === urls[0]) throw new DatabaseUnavailable('ECONNREFUSED');
      if (url === urls[1]) throw new DatabaseReadOnly();
      return url;
    });
    expect([third, tried, left]).toEqual([urls[2], urls, urls.slice(0, 2)]);
    expect(await hosts.inTurn(async (url) => url)).toBe(urls[2]);
  });

  it('are each tried once when none is of use', async () => {
    const hosts = new DatabaseHosts(several);
    let tries = 0;
    const failing = hosts.inTurn(async () => {
      tries += 1;
      throw new DatabaseUnavailable(`try ${tries}`);
    });
    await expect(failing).rejects.toThrow('try 3');
    expect(tries).toBe(3);
  });

  it.each([
    ['all connections are in use', new NotOfTheHost('all connections are in use')],
    ['a fault of ours', new TypeError('a fault of ours')],
  ])('are not given up for what another would not do better: %s', async (_, error) => {
    const hosts = new DatabaseHosts(several);
    await expect(hosts.inTurn(() => Promise.reject(error))).rejects.toBe(error);
    expect(hosts.current).toBe(urls[0]);
  });

  it('are left once, however many callers find out', () => {
    const hosts = new DatabaseHosts(several);
    hosts.moveOn(urls[0] ?? '');
    hosts.moveOn(urls[0] ?? '');
    expect(hosts.current).toBe(urls[1]);
  });
});
