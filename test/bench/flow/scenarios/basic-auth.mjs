import { alternating, registerFor, repeatFor, writeCpu, writeLatencies } from '../measures.mjs';
import { closedLoop } from '../load.mjs';
import { preload, startProduct } from '../processes.mjs';
import { basicAuth, callable } from '../systems.mjs';

const PEOPLE = 32;
const CALLERS = 32;

/** The same people calling again and again, at the cost of production: with and without verified credentials. */
export async function basicAuthCalls(context, report) {
  const { stage, postgres, mail, quick, rounds, limits, progress } = context;
  progress('starting the product, once more without the cache, once more without authentication');
  const started = await startProduct(stage, {
    postgres,
    mailUrl: mail.url,
    settings: { BCRYPT_COST: '12', CREDENTIAL_CACHE_SECONDS: '600' },
    name: 'product-basic',
  });
  const ours = callable.ours(started);
  const uncached = await started.startApi({ CREDENTIAL_CACHE_SECONDS: '0' });
  const open = await started.startApi({}, preload('without-auth.mjs'));
  const variantOf = (api) => ({
    ...ours,
    url: api.endpoints.api,
    processes: [{ name: 'api', pid: api.pid }, ...ours.processes.slice(-1)],
  });
  const { people } = await registerFor(ours, mail, { callers: PEOPLE, seconds: 0.1 });
  const known = people.map(({ address, answer }) => ({
    basic: basicAuth(address),
    named: `X-Account: ${answer.accountId}\r\n`,
  }));
  const repeated = (system, headersOf, seconds) => () =>
    repeatFor(system, {
      callers: CALLERS,
      seconds,
      work: (connection, number) =>
        system.read(connection, headersOf(known[number % known.length])),
    });
  // Each remembered account proves its password before the first round.
  await closedLoop({
    url: ours.url,
    callers: 8,
    work: (connection, number) =>
      number < known.length ? ours.read(connection, known[number].basic) : false,
  });
  const seconds = quick ? 1 : 2;
  const open$ = variantOf(open);
  await repeated(open$, ({ named }) => named, 1)();
  await repeated(ours, ({ basic }) => basic, 1)();
  const measured = await alternating(
    rounds,
    {
      'without authentication': repeated(open$, ({ named }) => named, seconds),
      'with verified credentials': repeated(variantOf(started.api), ({ basic }) => basic, seconds),
      'with a hash each': repeated(variantOf(uncached), ({ basic }) => basic, seconds),
    },
    progress,
  );
  const figures = {};
  for (const [name, results] of Object.entries(measured)) {
    const label = `Basic calls ${name}, cost 12`;
    figures[name] = report.figure({
      name: label,
      unit: '1/s',
      rounds: results.map(({ perSecond }) => perSecond),
      against: figures['without authentication'],
    });
    writeLatencies(report, label, results);
    writeCpu(report, label, results);
  }
  report.figure({
    name: 'Basic calls with verified credentials, of an echo',
    unit: '1/s',
    rounds: figures['with verified credentials'].rounds,
    against: await limits.echo(),
  });
  report.figure({
    name: 'Basic calls with verified credentials, of those with a hash each',
    unit: '1/s',
    rounds: figures['with verified credentials'].rounds,
    against: figures['with a hash each'],
  });
  report.goal({
    id: 'P3',
    text: 'repeated Basic calls, of the same route without authentication',
    measured: figures['with verified credentials'].against.ratio,
    unit: 'x',
    atLeast: 0.5,
  });
}
