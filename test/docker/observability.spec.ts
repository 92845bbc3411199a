import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { repositoryRoot } from '../support/process.js';

const folder = 'docker/observability';
const read = (path: string) => readFileSync(join(repositoryRoot, path), 'utf8');

const alerts = read(`${folder}/prometheus/alerts.yml`);
const dashboard = JSON.parse(read(`${folder}/grafana/dashboards/registration.json`)) as {
  panels: { title: string; targets?: { expr: string }[] }[];
};
const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** Names of the metrics that the processes have, from where they are made. */
function ownMetrics(): string[] {
  const sources = ['apps', 'libs'].flatMap((top) =>
    readdirSync(join(repositoryRoot, top), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.endsWith('spec.ts'))
      .map((path) => read(join(top, path))),
  );
  return sources.flatMap((source) =>
    [...source.matchAll(/new (?:Gauge|Counter|Histogram)\(\{\s*name: '(\w+)'/g)].map(
      ([, name]) => name ?? '',
    ),
  );
}

function existingMetrics(): Set<string> {
  const samples = 'test/docker/observability/samples';
  const ofOthers = [
    ...readdirSync(join(repositoryRoot, samples)).map((file) => read(join(samples, file))),
    read('docker/nginx/nginx.conf').replaceAll('\\n', '\n'),
  ].flatMap((text) => [...text.matchAll(/# TYPE (\w+)/g)].map(([, name]) => name ?? ''));
  return new Set([
    ...ownMetrics(),
    ...ofOthers,
    // Of postgres_exporter: test/docker/observability/run.mjs asks a real one.
    'pg_settings_max_connections',
    ...['numbackends', 'xact_commit', 'xact_rollback', 'deadlocks'].map(
      (name) => `pg_stat_database_${name}`,
    ),
    'up',
    'nodejs_eventloop_lag_p99_seconds',
    'process_resident_memory_bytes',
  ]);
}

/** Metrics that PromQL text asks for: names that are neither functions nor labels nor words of the language. */
function metricsIn(promql: string): string[] {
  const bare = promql
    .replace(/"[^"]*"/g, '""')
    .replace(/\{[^}]*\}/g, '')
    .replace(/\[[^\]]*\]/g, '')
    .replace(/\bby \([^)]*\)/g, '');
  return [...bare.matchAll(/\b([a-z][a-z_0-9]+)\b(?!\s*\()/g)]
    .map(([, name]) => (name ?? '').replace(/_(bucket|count|sum)$/, ''))
    .filter((name) => !['or', 'and', 'unless', 'sum', 'max'].includes(name));
}

/** What neither an alert nor the dashboard asks for: figures for a person who looks into something. */
const UNWATCHED = [
  // Its state is watched.
  'mail_provider_outages_total',
  // A setting of the process.
  'password_check_cost',
  // The lag is watched.
  'saga_checkpoint_position',
  // Attempts that were turned away; ban tools read them in the log.
  'security_events_total',
];

describe('docker/observability', () => {
  const expressions = [...alerts.matchAll(/expr: (?:\|\n((?: {10,}.*\n)+)|(.*))/g)].map(
    ([, block, line]) => block ?? line ?? '',
  );
  const asked = [...expressions, ...queries].flatMap(metricsIn);

  it('asks for metrics that exist only', () => {
    const existing = existingMetrics();
    expect(expressions.length).toBeGreaterThan(10);
    expect(asked.filter((name) => !existing.has(name))).toEqual([]);
  });

  it('asks for each figure of the processes, but for those of which this test knows why not', () => {
    const watched = new Set(asked);
    expect(
      ownMetrics()
        .filter((name) => !watched.has(name))
        .toSorted(),
    ).toEqual(UNWATCHED);
  });

  it('shows what operators look at first', () => {
    const titles = dashboard.panels.map(({ title }) => title).join('\n');
    for (const topic of [
      /Registrations/,
      /Activation rate/,
      /Mail/,
      /behind the log/,
      /hashes/,
      /Event store/,
      /PostgreSQL/,
      /Web server/,
    ]) {
      expect(titles).toMatch(topic);
    }
  });

  it('has a section in docs/operations.md for each alert', () => {
    const operations = read('docs/operations.md');
    const names = [...alerts.matchAll(/alert: (\w+)/g)].map(([, name]) => name ?? '');
    for (const name of names) {
      expect(operations).toContain(`### ${name}\n`);
      expect(alerts).toContain(`runbook: docs/operations.md#${name.toLowerCase()}\n`);
    }
    expect(names.length).toBeGreaterThan(10);
  });
});
