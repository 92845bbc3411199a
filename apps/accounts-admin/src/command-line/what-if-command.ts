import { ProblemAnswer } from './admin-client.js';
import type { Json } from './admin-client.js';
import type { Command, CommandRun } from './command.js';
import { ProgressBar } from './progress-bar.js';
import { tableOf, textOf } from './table.js';
import { UsageError } from './usage-error.js';

/** The rules by their options. */
const rules = {
  ttl: { name: 'codeTtlSeconds', says: 'seconds that a code can be used' },
  guesses: { name: 'guessesPerCode', says: 'wrong guesses that burn a code' },
  'guesses-per-day': { name: 'guessesPerDay', says: 'wrong guesses of an address in 24 hours' },
  'guesses-per-30-days': {
    name: 'guessesPer30Days',
    says: 'wrong guesses of an address in 30 days',
  },
  resend: { name: 'codeResendSeconds', says: 'seconds between two codes' },
  'codes-per-hour': { name: 'codesPerHour', says: 'codes of an address in an hour' },
  'codes-per-day': { name: 'codesPerDay', says: 'codes of an address in 24 hours' },
} as const;

export const whatIfCommand: Command = {
  name: 'what-if',
  summary: 'What the log would have become under other rules, and what a guesser would gain',
  options: Object.fromEntries(Object.entries(rules).map(([option, { says }]) => [option, says])),
  examples: ['what-if --ttl 120 --guesses 5', 'what-if --codes-per-day 5 --json'],
  run: whatIf,
};

type Numbers = Readonly<Record<string, number>>;

async function whatIf(run: CommandRun): Promise<void> {
  const bar = new ProgressBar('Replaying', run.progress);
  const query = Object.fromEntries(
    Object.entries(rules).map(([option, { name }]) => [name, run.text(option)]),
  );
  let result: Json = {};
  try {
    for await (const { content } of bar.follow(run.client.lines('/what-if', query))) {
      result = content['end'] as Json;
    }
  } catch (error) {
    throw error instanceof ProblemAnswer && error.status === 400 ? inOptions(error) : error;
  }
  run.show(result, () => [rulesOf(result), outcomeOf(result), boundsOf(result)].join('\n\n'));
}

/** What is wrong, by the names that were typed. */
function inOptions({ message }: ProblemAnswer): UsageError {
  const words = Object.entries(rules).reduce(
    (text, [option, { name }]) => text.replaceAll(name, `--${option}`),
    message,
  );
  return new UsageError(words);
}

function rulesOf(result: Json): string {
  const { real, other } = result['rules'] as { readonly real: Numbers; readonly other: Numbers };
  const rows = Object.values(rules).map(({ name, says }) => ({ name, says }));
  return tableOf(rows, [
    { title: 'RULE', value: ({ says }) => says },
    { title: 'NOW', align: 'right', value: ({ name }) => real[name] },
    { title: 'WHAT IF', align: 'right', value: ({ name }) => other[name] },
    { title: '', value: ({ name }) => (real[name] === other[name] ? ' ' : 'changed') },
  ]);
}

function outcomeOf(result: Json): string {
  const outcome = result['outcome'] as Numbers;
  const of = (name: string) => outcome[name] ?? 0;
  const rightShare = result['rightShare'] as number | null;
  const gained = of('gainedAtMost');
  const expected =
    rightShare === null || gained === 0
      ? []
      : [
          `An estimate, not a bound: were they right as often as guesses that were compared (${percent(rightShare, 0)}),`,
          `${(gained * rightShare).toFixed(1)} accounts would be gained.`,
        ];
  const rows = [
    ['activations in the log', of('activations'), ''],
    ['gained', `0 to ${gained}`, 'accounts that never got active, and would have'],
    ['sooner', `0 to ${of('soonerAtMost')}`, 'would have got active with an earlier code'],
    [
      'lost',
      rangeOf(of('lostAtLeast'), of('lostAtMost')),
      'would have been refused, and have needed another code',
    ],
    ['wrong guesses in the log', of('wrongGuesses'), ''],
    ['not compared any more', of('notComparedAnyMore'), 'of these'],
    ['refused unseen in the log', of('refusedUnseen'), 'too late, or no guess was left'],
    ['compared in addition', `up to ${of('comparedInAddition')}`, 'of these'],
  ];
  return [
    tableOf(rows, [
      { title: `${textOf(result['accounts'])} ACCOUNTS`, value: ([name]) => name },
      { title: 'HOW MANY', align: 'right', value: ([, count]) => count },
      { title: '', value: ([, , meaning]) => meaning || ' ' },
    ]),
    'Codes are not stored: whether a guess that was refused unseen was right is unknown. The larger',
    'numbers hold if all of them were right, or wrong, whichever makes more. What was never recorded is not in here:',
    'refused requests for codes, tries after the first on a dead code, and people who did not try.',
    ...expected,
  ].join('\n');
}

interface Bound {
  readonly guesses: number;
  readonly probability: number;
}

function boundsOf(result: Json): string {
  const { real, other } = result['guessBounds'] as Readonly<
    Record<'real' | 'other', Readonly<Record<string, Bound>>>
  >;
  const none = { guesses: 0, probability: 0 };
  const stretches = { perCode: 'one code', perDay: 'any 24 hours', per30Days: 'any 30 days' };
  const rows = Object.entries(stretches).map(([name, stretch]) => {
    return { stretch, now: real[name] ?? none, then: other[name] ?? none };
  });
  const day = other['perDay'] ?? none;
  const oneGuess = day.probability / day.guesses;
  return [
    tableOf(rows, [
      { title: 'A GUESSER, AT ONE ADDRESS', value: ({ stretch }) => stretch },
      { title: 'GUESSES NOW', align: 'right', value: ({ now }) => now.guesses },
      { title: 'WHAT IF', align: 'right', value: ({ then }) => then.guesses },
      { title: 'RIGHT NOW', align: 'right', value: ({ now }) => `≤ ${percent(now.probability)}` },
      {
        title: 'WHAT IF',
        align: 'right',
        value: ({ then }) => `≤ ${percent(then.probability)}`,
      },
      {
        title: 'ADDED',
        align: 'right',
        value: ({ now, then }) => added(then.probability - now.probability),
      },
    ]),
    `One guess is right with ${oneGuess.toExponential(6)} at most: there are 10,000 codes, not quite equally likely. In any`,
    `24 hours: ${day.guesses} × ${oneGuess.toExponential(6)} = ${percent(day.probability)}. How long a code can be used adds no guess: they are counted per address.`,
  ].join('\n');
}

function rangeOf(least: number, most: number): string {
  return least === most ? String(least) : `${least} to ${most}`;
}

function percent(share: number, digits = 3): string {
  return `${(share * 100).toFixed(digits)} %`;
}

function added(difference: number): string {
  return difference === 0 ? '0' : `${difference > 0 ? '+' : '-'}${percent(Math.abs(difference))}`;
}
