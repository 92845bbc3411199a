/** Turns the reports of one run into a page and a plot. */
import { shown } from './report.mjs';

/** @param reports as Report.toJSON gives them; `logs` is what benches without a report printed */
export function markdownOf({ at, machine, reports, logs, arguments: given }) {
  const goals = reports.flatMap((report) => report.goals);
  const lines = [
    `# Benchmark of ${at}`,
    '',
    `${machine.cores} cores, node ${machine.node}, ${machine.platform}${given ? `, \`${given}\`` : ''}. ` +
      'Medians over the rounds; a ratio is the median of the ratios of each round.',
    '',
  ];
  if (goals.length > 0) {
    lines.push('## Goals', '', '| | goal | limit | measured | |', '|---|---|---|---|---|');
    for (const goal of goals) {
      lines.push(
        `| ${goal.id} | ${goal.text} | ${limitOf(goal)} | ${shown(goal.measured)} ${goal.unit} | ${goal.met ? 'met' : '**missed**'} |`,
      );
    }
    lines.push('');
  }
  for (const { bench, figures, notes, tookSeconds } of reports) {
    lines.push(`## ${bench}`, '', `Took ${tookSeconds} s.`, '');
    if (figures.length > 0) {
      lines.push('| figure | median | lowest | highest | |', '|---|---|---|---|---|');
      for (const { name, unit, rounds, median, against } of figures) {
        const ratio = against ? `${shown(against.ratio)} x ${against.name}` : '';
        const [lowest, highest] = [Math.min(...rounds), Math.max(...rounds)];
        lines.push(
          `| ${name} | ${shown(median)} ${unit} | ${shown(lowest)} | ${shown(highest)} | ${ratio} |`,
        );
      }
      lines.push('');
    }
    if (notes.length > 0) lines.push('```', ...notes, '```', '');
  }
  for (const { bench, text } of logs) lines.push(`## ${bench}`, '', '```', text.trim(), '```', '');
  return lines.join('\n');
}

const ROW = 18;
const LEFT = 520;
const BAR = 420;
const COLOURS = { met: '#2e7d32', missed: '#c62828', plain: '#546e7a' };

/** A bar for each goal, by how much of it is reached, and for each figure that is held against a limit. */
export function svgOf({ at, machine, reports }) {
  const goals = reports
    .flatMap((report) => report.goals)
    .map((goal) => ({
      label: `${goal.id} ${goal.text}`,
      reached: reachedOf(goal),
      value: `${shown(goal.measured)} ${goal.unit} (${limitOf(goal)})`,
      colour: goal.met ? COLOURS.met : COLOURS.missed,
    }));
  const ratios = reports
    .flatMap((report) => report.figures)
    .filter(({ against }) => against && Number.isFinite(against.ratio))
    .map(({ name, unit, median, against }) => ({
      label: name,
      reached: against.ratio,
      value: `${shown(median)} ${unit} = ${shown(against.ratio)} x ${against.name}`,
      colour: COLOURS.plain,
    }));
  const rows = [
    {
      title: `Goals: share reached, logarithmic (1 and more is met), ${at}, ${machine.cores} cores`,
    },
    ...goals,
    { title: 'Figures: ratio to what was measured beside them' },
    ...ratios,
  ];
  const height = (rows.length + 1) * ROW + 10;
  const body = rows.map((row, index) => drawn(row, (index + 1) * ROW)).join('\n');
  return `<svg xmlns="http://www.w3.org/2000/svg" width="1400" height="${height}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="white"/>
<line x1="${LEFT + x(1)}" x2="${LEFT + x(1)}" y1="0" y2="${height}" stroke="#999" stroke-dasharray="3 3"/>
${body}
</svg>
`;
}

function drawn({ title, label, reached, value, colour }, y) {
  if (title) return `<text x="8" y="${y + 12}" font-weight="bold">${escaped(title)}</text>`;
  const width = x(reached);
  return `<text x="${LEFT - 6}" y="${y + 12}" text-anchor="end">${escaped(label.slice(0, 95))}</text>
<rect x="${LEFT}" y="${y + 2}" width="${width.toFixed(1)}" height="${ROW - 5}" fill="${colour}"/>
<text x="${LEFT + width + 4}" y="${y + 12}" fill="#444">${escaped(value)}</text>`;
}

/** Ratios from 0.01 to 100 on a logarithmic scale. */
function x(ratio) {
  if (!(ratio > 0)) return 0;
  const limited = Math.min(100, Math.max(0.01, ratio));
  return ((Math.log10(limited) + 2) / 4) * BAR;
}

function reachedOf({ measured, atLeast, atMost }) {
  if (atLeast !== undefined) return measured / atLeast;
  return atMost / measured;
}

function limitOf({ atLeast, atMost, unit }) {
  return atLeast !== undefined ? `>= ${atLeast} ${unit}` : `<= ${atMost} ${unit}`;
}

/** Text as it stands in SVG. */
export function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
