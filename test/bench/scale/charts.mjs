/** The curves of a report of this bench as one SVG: values against the number of accounts. */
import { escaped } from '../report/render.mjs';

const WIDTH = 420;
const HEIGHT = 250;
const MARGIN = { left: 58, right: 12, top: 30, bottom: 30 };
const COLUMNS = 3;
const LEGEND_ROW = 13;
const COLOURS = ['#1565c0', '#c62828', '#2e7d32', '#ef6c00', '#6a1b9a', '#00838f', '#5d4037'];

const OF_SIZE = /^(.*), ([\d,]+) accounts$/;

/** Which figures are drawn together; the first group of an expression is the name of the line. */
const CHARTS = [
  { title: 'Registration, ms', pick: /^(registration|registration, processor)$/ },
  { title: 'Registration, processor ms by process', pick: /^registration, (?!processor)(.*)$/ },
  { title: 'Basic + view, ms', pick: /^Basic \+ view, (.*)$/ },
  { title: 'History against a bare read', pick: /^history \/ bare read, (.*)$/, from: 0.9 },
  { title: 'History, ms', pick: /^history, (4 events|24 events)$/ },
  { title: 'Admin pages, p99 in ms', pick: /^admin, (.*), p99$/, limit: 50 },
  { title: 'Memory after the load, MiB', pick: /^memory of (\w+), highest$/ },
  { title: 'Start on existing data, ms', pick: /^start of (.*)$/ },
  { title: 'Making of the data set, s', pick: /^(data set made)$/ },
];

/** @param report as Report.toJSON gives it */
export function chartsOf(report) {
  const charts = CHARTS.map((chart) => ({ ...chart, lines: linesOf(report, chart.pick) })).filter(
    ({ lines }) => lines.length > 0,
  );
  const rebuilds = report.figures.filter(({ unit }) => unit === 'events/s' || unit === 'rows/s');
  const rows = Math.ceil(charts.length / COLUMNS);
  const bars = rebuilds.length * 16 + 40;
  const height = rows * HEIGHT + bars;
  const drawn = charts.map((chart, index) => {
    const x = (index % COLUMNS) * WIDTH;
    const y = Math.floor(index / COLUMNS) * HEIGHT;
    return `<g transform="translate(${x} ${y})">${chartOf(chart)}</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH * COLUMNS}" height="${height}" font-family="sans-serif" font-size="10">
<rect width="100%" height="100%" fill="white"/>
${drawn.join('\n')}
<g transform="translate(0 ${rows * HEIGHT})">${barsOf(rebuilds)}</g>
</svg>
`;
}

function linesOf({ figures }, pick) {
  const lines = new Map();
  for (const { name, median } of figures) {
    const [, what, accounts] = OF_SIZE.exec(name) ?? [];
    const [, line] = (what && pick.exec(what)) ?? [];
    if (line === undefined) continue;
    const point = { accounts: Number(accounts.replaceAll(',', '')), value: median };
    lines.set(line, [...(lines.get(line) ?? []), point]);
  }
  return [...lines].map(([name, points]) => ({ name, points }));
}

function chartOf({ title, lines, limit, from = 0 }) {
  const points = lines.flatMap((line) => line.points);
  const most = Math.max(...points.map(({ value }) => value), limit ?? 0, from + 0.2) * 1.08;
  const sizes = [...new Set(points.map(({ accounts }) => accounts))].sort((a, b) => a - b);
  const [first, last] = [Math.log10(sizes[0]), Math.log10(sizes.at(-1))];
  const right = WIDTH - MARGIN.right;
  const bottom = HEIGHT - MARGIN.bottom;
  const x = (accounts) =>
    MARGIN.left +
    (last === first
      ? 0
      : ((Math.log10(accounts) - first) / (last - first)) * (right - MARGIN.left));
  const y = (value) => bottom - ((value - from) / (most - from)) * (bottom - MARGIN.top);
  const ticks = Array.from({ length: 5 }, (_, tick) => from + ((most - from) * tick) / 4);
  const many = lines.length > COLOURS.length;
  const parts = [
    `<text x="${MARGIN.left}" y="14" font-weight="bold" font-size="12">${escaped(title)}</text>`,
    ...ticks.map(
      (value) =>
        `<line x1="${MARGIN.left}" x2="${right}" y1="${y(value)}" y2="${y(value)}" stroke="#ddd"/>` +
        `<text x="${MARGIN.left - 4}" y="${y(value) + 3}" text-anchor="end">${shortly(value)}</text>`,
    ),
    ...sizes.map(
      (accounts) =>
        `<text x="${x(accounts)}" y="${bottom + 14}" text-anchor="middle">${accounts.toLocaleString('en-US')}</text>`,
    ),
  ];
  if (limit !== undefined) {
    parts.push(
      `<line x1="${MARGIN.left}" x2="${right}" y1="${y(limit)}" y2="${y(limit)}" stroke="#c62828" stroke-dasharray="4 3"/>`,
    );
  }
  for (const [index, line] of lines.entries()) {
    const colour = many ? '#1565c0' : COLOURS[index];
    const path = line.points.map(({ accounts, value }) => `${x(accounts)},${y(value)}`).join(' ');
    parts.push(
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.6" opacity="${many ? 0.5 : 1}"><title>${escaped(line.name)}</title></polyline>`,
    );
    if (many) continue;
    parts.push(
      `<text x="${MARGIN.left + 8}" y="${MARGIN.top + 4 + index * LEGEND_ROW}" fill="${colour}">${escaped(line.name)}</text>`,
    );
  }
  return parts.join('');
}

function barsOf(rebuilds) {
  const most = Math.max(...rebuilds.map(({ median }) => median), 1);
  const left = 380;
  const widest = WIDTH * COLUMNS - left - 90;
  const bars = rebuilds.map(({ name, unit, median }, index) => {
    const y = 28 + index * 16;
    const width = (median / most) * widest;
    return (
      `<text x="${left - 6}" y="${y + 10}" text-anchor="end">${escaped(name)}</text>` +
      `<rect x="${left}" y="${y}" width="${width.toFixed(1)}" height="12" fill="#1565c0"/>` +
      `<text x="${left + width + 4}" y="${y + 10}">${Math.round(median).toLocaleString('en-US')} ${unit}</text>`
    );
  });
  const title = '<text x="8" y="16" font-weight="bold" font-size="12">Rebuilds</text>';
  return rebuilds.length > 0 ? [title, ...bars].join('') : '';
}

function shortly(value) {
  if (value >= 10_000) return `${Math.round(value / 1_000)}k`;
  return value >= 100 ? String(Math.round(value)) : Number(value.toPrecision(2)).toString();
}
