/**
 * What every benchmark writes down, in one form: figures of several rounds, and goals they are held
 * against. See report.d.mts for the types; README of it all is docs/performance.md.
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/** The middle value; the mean of the middle two of an even number. NaN of nothing. */
export function median(values) {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The value that this share of all values does not exceed (nearest rank). NaN of nothing. */
export function percentile(values, share) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

/** Three digits that count, whatever the size. */
export function shown(value) {
  if (!Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  if (size >= 1_000) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

/** One benchmark's figures and goals; `save` writes them where `npm run bench` collects them. */
export class Report {
  constructor(bench, say = (line) => void process.stderr.write(`${line}\n`)) {
    this.bench = bench;
    this.say = say;
    this.startedAt = new Date();
    this.figures = [];
    this.goals = [];
    this.notes = [];
  }

  figure({ name, unit, rounds, against }) {
    const figure = { name, unit, rounds: [...rounds], median: median(rounds) };
    if (against) {
      const ratios = rounds.map(
        (value, round) => value / (against.rounds[round] ?? against.median),
      );
      figure.against = { name: against.name, ratio: median(ratios) };
    }
    this.figures.push(figure);
    this.say(`  ${lineOf(figure)}`);
    return figure;
  }

  goal({ id, text, measured, unit = '', atLeast, atMost }) {
    const met =
      Number.isFinite(measured) &&
      (atLeast === undefined || measured >= atLeast) &&
      (atMost === undefined || measured <= atMost);
    const goal = { id, text, measured, unit, atLeast, atMost, met };
    this.goals.push(goal);
    this.say(
      `  ${met ? 'met   ' : 'MISSED'} ${id} ${text}: ${shown(measured)}${unit && ` ${unit}`}`,
    );
    return goal;
  }

  note(text) {
    this.notes.push(text);
    this.say(`  ${text}`);
  }

  toJSON() {
    return {
      bench: this.bench,
      startedAt: this.startedAt.toISOString(),
      tookSeconds: Math.round((Date.now() - this.startedAt.getTime()) / 1_000),
      machine: { cores: availableParallelism(), node: process.version, platform: process.platform },
      figures: this.figures,
      goals: this.goals,
      notes: this.notes,
    };
  }

  save(folder = process.env.BENCH_RESULTS) {
    if (!folder) return;
    mkdirSync(folder, { recursive: true });
    const path = join(folder, `${this.bench}.json`);
    writeFileSync(`${path}.new`, `${JSON.stringify(this, undefined, 2)}\n`);
    renameSync(`${path}.new`, path);
  }
}

function lineOf({ name, unit, rounds, median: middle, against }) {
  const spread =
    rounds.length > 1 ? ` (${shown(Math.min(...rounds))} to ${shown(Math.max(...rounds))})` : '';
  const ratio = against ? ` = ${shown(against.ratio)} x ${against.name}` : '';
  return `${name}: ${shown(middle)} ${unit}${spread}${ratio}`;
}
