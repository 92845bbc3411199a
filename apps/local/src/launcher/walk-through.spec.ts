import { describe, expect, it } from '@jest/globals';
import { resolve } from 'node:path';
import { walkThrough } from './walk-through.js';

const endpoints = {
  api: 'http://127.0.0.1:1',
  mailbox: 'http://127.0.0.1:2',
  eventstore: 'esdb://127.0.0.1:3?tls=false',
  database: 'postgres://postgres:hush@127.0.0.1:4/accounts',
};
const text = walkThrough(
  endpoints,
  { dataDir: resolve('.data'), own: {} },
  1_234,
  (word) => `<${word}>`,
);

describe('walk-through after the start', () => {
  it('has a command for each step', () => {
    const commands = text.split('\n').filter((line) => line.startsWith('curl '));
    expect(commands.map((line) => /http:\S+?(?='|\?| |$)/.exec(line)?.[0])).toEqual([
      'http://127.0.0.1:1/v1/accounts',
      'http://127.0.0.1:2/emails',
      'http://127.0.0.1:1/v1/account/activation',
      'http://127.0.0.1:1/v1/account/activation-code',
      'http://127.0.0.1:1/v1/account',
    ]);
  });

  it('says how long it took, where everything is and how to stop', () => {
    expect(text).toContain('<Ready after 1.2 s.>');
    expect(text).toContain('127.0.0.1:4, database accounts');
    expect(text).toContain('http://127.0.0.1:1/docs');
    expect(text).toMatch(/Data {2}\.data /);
    expect(text).toContain('Ctrl-C');
  });

  it('does not show the password of the database', () => {
    expect(text).not.toContain('hush');
  });

  it('names the admin API when there is one', () => {
    expect(text).not.toContain('Admin');
    const withAdmin = { ...endpoints, admin: 'http://127.0.0.1:5' };
    const settings = { dataDir: '.data', own: {} };
    expect(walkThrough(withAdmin, settings, 1, (word) => word)).toContain('http://127.0.0.1:5');
  });

  it('says which parts are those of the caller, without their passwords', () => {
    const own = {
      eventstore: 'esdb://me:hush@events.example:2113?tls=true',
      database: 'postgres://me:hush@one:5432,two:5432/mine?target_session_attrs=read-write',
      mailbox: 'https://api.provider.example',
    };
    const { api } = endpoints;
    const said = walkThrough(
      { api, eventstore: own.eventstore, database: own.database },
      { dataDir: '.data', own },
      1,
      (word) => word,
    );
    expect(said).toContain('events.example:2113   (yours)');
    expect(said).toContain('one:5432,two:5432, database mine (yours)');
    expect(said).toContain('api.provider.example   (yours');
    expect(said).not.toMatch(/hush|undefined|emails\?to/);
  });
});
