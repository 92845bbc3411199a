import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { BEHAVIOUR_VERSIONS } from '../../apps/local/src/event-store/behaviour.js';
import { ON_DEVELOPMENT_STORE, ON_VERSIONS, SUITES, VERSIONS } from './suites.mjs';

const USES_DEVELOPMENT_STORE =
  /startDevEventStore|OnDevEventStore|EventStoreProcess|startedProduct|launcher|demo/;

const textOf = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

describe('npm run test:eventstoredb', () => {
  const files = Object.values(SUITES).flat();

  it('runs the contract, the e2e tests and the kill schedules', () => {
    expect(files.length).toBeGreaterThan(10);
    expect(files).toContain('test/api/outages.long-spec.ts');
  });

  it('plays versions that the development event store knows, in files that are there', () => {
    expect(BEHAVIOUR_VERSIONS).toEqual(expect.arrayContaining([...VERSIONS]));
    expect(ON_VERSIONS.filter((file) => !existsSync(file))).toEqual([]);
  });

  it.each(files)('runs %s, which has no event store of its own choice', (file) => {
    expect(textOf(file)).not.toMatch(/startDevEventStore|OnDevEventStore|EventStoreProcess/);
  });

  it.each(Object.entries(ON_DEVELOPMENT_STORE))('does not run %s, which needs %s', (file) => {
    expect(textOf(file)).toMatch(USES_DEVELOPMENT_STORE);
  });
});
