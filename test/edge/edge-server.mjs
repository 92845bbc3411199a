import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TRUSTED_PROXY } from './network.mjs';

export const root = fileURLToPath(new URL('../../', import.meta.url));
/** The user that the processes of the compose stack run as. */
const USER = 1000;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The real configuration of the web server and of fail2ban, in a folder of its own. Nothing in it is changed but
 * where files are, and where the API is.
 */
export class EdgeServer {
  constructor(network, folder, { apiPort, silentPort }) {
    this.network = network;
    this.folder = folder;
    this.banLog = join(folder, 'log/ban.log');
    this.bans = join(folder, 'bans');
    this.outputs = new Map();
    this.renderNginx(apiPort, silentPort);
    cpSync(join(root, 'docker/fail2ban'), join(folder, 'fail2ban'), { recursive: true });
    const jail = join(folder, 'fail2ban/jail.conf');
    writeFileSync(jail, readFileSync(jail, 'utf8').replace('/var/log/edge/ban.log', this.banLog));
    const action = join(folder, 'fail2ban/action.d/edge-deny-files.conf');
    writeFileSync(action, readFileSync(action, 'utf8').replace('/var/lib/edge-bans', this.bans));
  }

  renderNginx(apiPort, silentPort) {
    const { folder } = this;
    for (const name of [
      'certificate',
      'log',
      'bans',
      'tmp',
      'locations',
      'admin',
      'proxies',
      'edge',
    ]) {
      mkdirSync(join(folder, name));
    }
    const places = {
      '/etc/edge-locations/': 'locations',
      '/etc/edge-admin/': 'admin',
      '/etc/edge-trusted-proxies/': 'proxies',
      '/etc/edge/': 'edge',
      '/certificate/': 'certificate',
      '/var/log/edge/': 'log',
      '/var/lib/edge-bans/': 'bans',
      '/tmp/': 'tmp',
    };
    const place = new RegExp(`(?<=\\s)(${Object.keys(places).join('|')})`, 'g');
    const render = (source, target) => {
      for (const file of readdirSync(source)) {
        const text = readFileSync(join(source, file), 'utf8');
        const moved = text.replace(place, (path) => `${folder}/${places[path]}/`);
        writeFileSync(join(target, file), moved, { mode: 0o755 });
      }
    };
    render(join(root, 'docker/nginx'), join(folder, 'edge'));
    render(join(root, 'docker/nginx-development'), join(folder, 'locations'));
    render(join(root, 'docker/nginx-admin/allow-list'), join(folder, 'admin'));
    // The inbox stands in for servers that are down, and for one that takes calls and never answers.
    writeFileSync(
      join(folder, 'edge/upstreams.conf'),
      `map "" $api_upstream { default http://127.0.0.1:${apiPort}; }
       map "" $admin_upstream { default http://127.0.0.1:9; }
       map $request_uri $mailbox_upstream {
         ~silent http://127.0.0.1:${silentPort};
         default http://127.0.0.1:9;
       }\n`,
    );
    writeFileSync(
      join(folder, 'proxies/test.conf'),
      `set_real_ip_from ${TRUSTED_PROXY};\nreal_ip_header X-Forwarded-For;\n`,
    );
    mkdirSync(join(folder, 'setup'));
    const setup = ['certificate'];
    for (const name of setup) mkdirSync(join(folder, 'setup', name));
    const made = spawnSync(process.execPath, [join(root, 'docker/setup/main.mjs')], {
      encoding: 'utf8',
      env: {
        PATH: process.env.PATH,
        SETUP_DIR: join(folder, 'setup'),
        CERTIFICATE_NAMES: 'registration.test',
      },
    });
    if (made.status !== 0) throw new Error(`docker/setup/main.mjs: ${made.stderr}`);
    cpSync(join(folder, 'setup/certificate'), join(folder, 'certificate'), { recursive: true });
    chmodSync(folder, 0o755);
    this.giveToUser();
  }

  /** As in the containers: nginx is not root, and what it writes to belongs to it. */
  giveToUser() {
    for (const name of ['certificate', 'log', 'bans', 'tmp']) {
      chownSync(join(this.folder, name), USER, USER);
      for (const file of readdirSync(join(this.folder, name))) {
        chownSync(join(this.folder, name, file), USER, USER);
      }
    }
  }

  /** A file, because /dev/stdout cannot be opened anew where it is a socket. */
  openOutput(name) {
    const file = join(this.folder, `${name.replaceAll(' ', '-')}.output`);
    this.outputs.set(name, file);
    const descriptor = openSync(file, 'a', 0o666);
    chmodSync(file, 0o666);
    return descriptor;
  }

  /** What a process has printed so far. */
  outputOf(name) {
    return readFileSync(this.outputs.get(name), 'utf8');
  }

  checkNginx() {
    const output = this.openOutput('nginx check');
    const { status } = this.runNginxCheck(output);
    return { status, stderr: this.outputOf('nginx check') };
  }

  runNginxCheck(output) {
    return this.network.run(
      'edge',
      'setpriv',
      [...unprivileged, 'sh', join(this.folder, 'edge/start.sh')],
      {
        stdio: ['ignore', output, output],
        env: { ...process.env, ...this.nginxSettings(), EDGE_CHECK: 'yes' },
      },
    );
  }

  startNginx() {
    return this.start(
      'nginx',
      'setpriv',
      [...unprivileged, 'sh', join(this.folder, 'edge/start.sh')],
      this.nginxSettings(),
    );
  }

  nginxSettings() {
    return {
      EDGE_CONFIGURATION: join(this.folder, 'edge/nginx.conf'),
      EDGE_RUNTIME_DIR: join(this.folder, 'tmp'),
      EDGE_LOCATIONS: join(this.folder, 'locations'),
      EDGE_BAN_LOG: this.banLog,
      BAN_LOG_MAX_BYTES: '100000000',
      BAN_LOG_CHECK_SECONDS: '1',
    };
  }

  /** @param {'nftables' | 'deny-files'} mode */
  startFail2ban(mode) {
    const runtime = join(this.folder, `fail2ban-${mode}`);
    mkdirSync(runtime, { recursive: true });
    const settings = join(this.folder, 'fail2ban/fail2ban.conf');
    const moved = readFileSync(join(root, 'docker/fail2ban/fail2ban.conf'), 'utf8')
      .replaceAll('/run/fail2ban', runtime)
      .replaceAll('/var/lib/fail2ban', runtime);
    writeFileSync(settings, moved);
    // Nothing but the right that the container has, or none at all.
    const rights = mode === 'nftables' ? onlyNetAdmin : unprivileged;
    if (mode === 'deny-files') chownSync(runtime, USER, USER);
    return this.start(
      `fail2ban ${mode}`,
      'setpriv',
      [...rights, 'sh', join(this.folder, 'fail2ban/start.sh')],
      {
        BAN_MODE: mode,
        EDGE_FAIL2BAN_DIR: join(this.folder, 'fail2ban'),
        EDGE_FAIL2BAN_RUNTIME_DIR: runtime,
        EDGE_BAN_LOG: this.banLog,
        EDGE_DENY_FILES_DIR: this.bans,
      },
    );
  }

  fail2ban(mode, ...args) {
    const socket = join(this.folder, `fail2ban-${mode}`, 'fail2ban.sock');
    return this.network.run('edge', 'fail2ban-client', ['-s', socket, ...args]);
  }

  /** @param {string} packages folder that Debian's packages are unpacked to */
  startCrowdSec(packages) {
    const runtime = join(this.folder, 'crowdsec');
    this.crowdsecPath = `${join(packages, 'usr/bin')}:${PATH}`;
    for (const name of ['crowdsec', 'crowdsec-state']) {
      mkdirSync(join(this.folder, name), { recursive: true });
    }
    return this.start(
      'crowdsec',
      'setpriv',
      [...onlyNetAdmin, 'sh', join(root, 'docker/crowdsec/start.sh')],
      {
        PATH: this.crowdsecPath,
        EDGE_CROWDSEC_DIR: join(root, 'docker/crowdsec'),
        EDGE_CROWDSEC_PATTERNS: join(packages, 'etc/crowdsec/patterns'),
        EDGE_CROWDSEC_RUNTIME_DIR: runtime,
        EDGE_CROWDSEC_STATE_DIR: join(this.folder, 'crowdsec-state'),
        EDGE_BAN_LOG: this.banLog,
      },
    );
  }

  get cscliArguments() {
    return ['-c', join(this.folder, 'crowdsec/config.yaml')];
  }

  cscli(...args) {
    const env = { PATH: this.crowdsecPath };
    return this.network.run('edge', 'cscli', [...this.cscliArguments, ...args], { env });
  }

  /** What becomes of each line of a file, as cscli prints it. */
  explainByCrowdSec(file) {
    const child = this.network.spawn(
      'edge',
      'cscli',
      [...this.cscliArguments, 'explain', '--file', file, '--type', 'edge-ban'],
      { env: { PATH: this.crowdsecPath }, stdio: ['ignore', 'pipe', 'ignore'] },
    );
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => (output += chunk));
    return new Promise((resolve) => child.once('close', () => resolve(output)));
  }

  start(name, command, args, environment) {
    const output = this.openOutput(name);
    const child = this.network.spawn('edge', command, args, {
      stdio: ['ignore', output, output],
      env: { PATH, ...environment },
    });
    const exited = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
    return { child, exited };
  }
}

const unprivileged = [
  `--reuid=${USER}`,
  `--regid=${USER}`,
  '--clear-groups',
  '--no-new-privs',
  '--inh-caps=-all',
  '--bounding-set=-all',
];
const onlyNetAdmin = ['--no-new-privs', '--inh-caps=-all', '--bounding-set=-all,+net_admin'];
