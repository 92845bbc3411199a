import { describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { redaction } from './redaction.js';

function logged(what: object, message = 'something happened'): string {
  const lines: string[] = [];
  const log = pino({ ...redaction }, { write: (line: string) => void lines.push(line) });
  log.info(what, message);
  return lines.join('');
}

function circular(): object {
  const one: Record<string, unknown> = { email: 'CANARY' };
  return { one: Object.assign(one, { one }) };
}

describe('The log', () => {
  it.each([
    ['a field', { password: 'CANARY' }],
    ['a command', { command: { email: 'CANARY', password: 'CANARY' } }],
    ['a request', { request: { headers: { authorization: 'Basic CANARY' } } }],
    ['a row', { row: { password_hash: 'CANARY', address: 'CANARY' } }],
    ['a mail', { mail: { to: 'CANARY' } }],
    ['a code', { code: 'CANARY', guess: 'CANARY' }],
    ['something deep', { a: { b: [{ c: { email: 'CANARY' } }] } }],
    ['something deeper than anything', { a: { b: { c: { d: { e: { f: { x: 'CANARY' } } } } } } }],
    ['something that holds itself', circular()],
    ['an error under another name', { reason: Object.assign(new Error('x'), { to: 'CANARY' }) }],
    [
      'an error',
      { err: Object.assign(new Error('failed'), { address: 'CANARY', email: 'CANARY' }) },
    ],
  ])('hides what is secret in %s', (_, what) => {
    const line = logged(what);
    expect(line).toContain('[redacted]');
    expect(line).not.toContain('CANARY');
  });

  it('keeps what helps to find a fault', () => {
    const err = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    const line = logged({ accountId: 'a1', err, problem: 'service-unavailable' });
    expect(JSON.parse(line)).toMatchObject({
      accountId: 'a1',
      problem: 'service-unavailable',
      err: { code: 'ECONNREFUSED', message: 'refused' },
    });
  });

  it('is one line an entry, whatever somebody puts into it', () => {
    const forged = 'x\r\n{"level":60,"msg":"forged"}\u2028\u0085\u001b[2J';
    const line = logged({ field: forged, [forged]: 1 }, forged);
    expect(line.trimEnd().split(/[\r\n]/)).toHaveLength(1);
    expect((JSON.parse(line) as { field: string }).field).toBe(forged);
  });
});
