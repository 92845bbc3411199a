/**
 * The Kubernetes manifests as kubectl renders them: every document fits the schema of the API, every pod is locked up,
 * says what docker-compose.yml says, and has its own secrets only. Each rule finds a planted fault.
 *
 *   node test/docker/kubernetes/run.mjs        needs Debian's packages and npm
 *
 * Nothing is started. The last line of the output is `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { writeSecrets } from '../../../docker/setup/development-secrets.mjs';
import { planted } from './planted.mjs';
import { ruleFaults } from './rules.mjs';
import { schemaFaults } from './schema.mjs';
import { countedCheck as check, endChecks } from '../../support/counted-checks.mjs';

const here = import.meta.dirname;
const root = fileURLToPath(new URL('../../../', import.meta.url));
const manifests = join(root, 'docker/kubernetes');
const folder = mkdtempSync(join(tmpdir(), 'kubernetes-'));
/** What an image looks like: the base names none, an overlay names one by its digest. */
const IMAGES = { base: /^registration$/, example: /^[\w./-]+\/registration@sha256:[0-9a-f]{64}$/ };
const PROCESSES = ['api', 'worker', 'admin', 'migrate'];

function run(command, args, cwd = folder) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, KUBECONFIG: '/dev/null' },
  });
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')}\n${error ?? stderr.slice(-1_000)}`);
  return stdout;
}

/** Debian's, unpacked into our own folder, and what this machine has besides: an older and a newer kustomize. */
function findKubectl() {
  run('sh', [join(root, 'test/support/apt-get.sh'), 'download', 'kubernetes-client']);
  run('sh', ['-c', 'dpkg -x kubernetes-client*.deb .']);
  const own = spawnSync('kubectl', ['version', '--client'], { encoding: 'utf8' });
  return [join(folder, 'usr/bin/kubectl'), ...(own.status === 0 ? ['kubectl'] : [])];
}

function installSchemas() {
  if (existsSync(join(here, 'node_modules/kubernetes-models'))) return;
  run('npm', ['ci', '--ignore-scripts', '--prefix', here], here);
}

/** What a process is in docker-compose.yml. */
function composeService(compose, name) {
  const {
    command,
    environment,
    mem_limit: memory,
    stop_grace_period: grace,
  } = compose.services[name];
  const withDefault = (value) =>
    /\$/.test(value) ? (/^\$\{\w+:?-([^}]*)\}$/.exec(value)?.[1] ?? '') : value;
  return {
    command,
    memory: memory.replace(/m$/, 'Mi'),
    graceSeconds: parseInt(withDefault(grace), 10),
    environment: Object.fromEntries(
      Object.entries(environment).map(([setting, value]) => [setting, withDefault(value)]),
    ),
  };
}

/** The files that `setup` makes for each process; the event store's URL carries a password outside of the stack. */
function secretFiles() {
  const secrets = join(folder, 'secrets');
  writeSecrets(secrets);
  for (const name of ['api', 'worker', 'admin'])
    writeFileSync(join(secrets, name, 'event-store-url'), 'esdb://user:password@store:2113');
  return Object.fromEntries(PROCESSES.map((name) => [name, readdirSync(join(secrets, name))]));
}

function readersOf(setting) {
  const table = readFileSync(join(root, 'docs/settings.md'), 'utf8');
  const row = table.split('\n').find((line) => line.startsWith(`| \`${setting}\` |`));
  return row?.split(' | ')[2]?.split(', ') ?? [];
}

async function main() {
  installSchemas();
  const { parse, parseAllDocuments } = await import('yaml');
  const [kubectl, ...others] = findKubectl();
  const render = (program, directory) =>
    parseAllDocuments(run(program, ['kustomize', directory])).map((one) => one.toJS());
  const compose = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true });
  const known = {
    processes: Object.fromEntries(PROCESSES.map((name) => [name, composeService(compose, name)])),
    secretFiles: secretFiles(),
    readersOf,
  };
  const faultsOf = async (directory, overlay) => {
    const documents = render(kubectl, join(directory, overlay));
    const bySchema = await Promise.all(
      documents.map(async (one) =>
        (await schemaFaults(one)).map((fault) => `${one.kind}/${one.metadata?.name}: ${fault}`),
      ),
    );
    return [...bySchema.flat(), ...ruleFaults(documents, known, IMAGES[overlay])];
  };

  for (const overlay of Object.keys(IMAGES)) {
    const documents = render(kubectl, join(manifests, overlay));
    for (const document of documents) {
      const faults = await schemaFaults(document);
      check(
        `${overlay}: ${document.kind} ${document.metadata.name} fits`,
        faults.length === 0,
        faults,
      );
    }
    const faults = ruleFaults(documents, known, IMAGES[overlay]);
    check(`${overlay}: every rule holds`, documents.length > 0 && faults.length === 0, faults);
    for (const other of others) {
      const same = isDeepStrictEqual(
        ...[kubectl, other].map((one) => comparable(render(one, join(manifests, overlay)))),
      );
      check(`${overlay}: another kubectl renders the same`, same);
    }
  }

  for (const name of PROCESSES) {
    const from = `--from-file=${join(folder, 'secrets', name)}`;
    const made = run(kubectl, [
      'create',
      'secret',
      'generic',
      `${name}-secrets`,
      from,
      '--dry-run=client',
      '-o',
      'json',
    ]);
    const files = Object.keys(JSON.parse(made).data);
    check(
      `a secret of the folder ${name} has its files`,
      isDeepStrictEqual(files, known.secretFiles[name]),
      files,
    );
  }

  for (const { what, file, from, to, finds } of planted) {
    const copy = join(folder, 'planted');
    rmSync(copy, { recursive: true, force: true });
    cpSync(manifests, copy, { recursive: true });
    const text = readFileSync(join(copy, file), 'utf8');
    const changed = text.replace(from, to);
    writeFileSync(join(copy, file), changed);
    const faults = changed === text ? ['nothing was planted'] : await faultsOf(copy, 'example');
    check(
      `found: ${what}`,
      faults.some((fault) => finds.test(fault)),
      faults,
    );
  }
}

/** In one order, without empty members and without the hashes at the ends of names: versions of kustomize differ there. */
function comparable(documents) {
  const text = JSON.stringify(documents)
    .replace(/-settings-\w+"/g, '-settings"')
    .replace(/"(annotations|labels)":\{\},/g, '');
  const byName = (one) => `${one.kind} ${one.metadata.name}`;
  return JSON.parse(text).sort((one, other) => (byName(one) < byName(other) ? -1 : 1));
}

try {
  await main();
} catch (error) {
  check(error.stack, false);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
endChecks();
