/**
 * What holds for the manifests beside the schema, as faults: texts that name the object. `known` is what the rest of the
 * repository says, so that the stack of Docker Compose and Kubernetes do not part.
 *
 * @typedef {object} Known
 * @property {Record<string, Service>} processes each process as docker-compose.yml has it
 * @property {Record<string, string[]>} secretFiles names of the files in a process' secret
 * @property {(setting: string) => string[]} readersOf who reads a setting, by docs/settings.md
 *
 * @typedef {object} Service
 * @property {string[]} command
 * @property {Record<string, string>} environment with the defaults of compose
 * @property {number} graceSeconds
 * @property {string} memory as Kubernetes writes it
 */
const NAME = 'app.kubernetes.io/name';
const SECRETS = '/run/secrets/registration';
const REPLICAS = { api: 2, worker: 2, admin: 1 };
/** One connection each: who may reach it or whom it reaches, at which port. */
const NAMES = ['out kube-system 53'];
const STORES = ['out registration-stores 5432', 'out registration-stores 2113'];
const CONNECTIONS = {
  api: ['in registration-ingress http', 'in registration-metrics internal', ...STORES, ...NAMES],
  worker: [
    'in registration-metrics internal',
    'out 0.0.0.0/0 443',
    'out ::/0 443',
    ...STORES,
    ...NAMES,
  ],
  admin: [
    'in registration-operators http',
    'in registration-metrics internal',
    ...STORES,
    ...NAMES,
  ],
  migrate: ['out registration-stores 5432', ...NAMES],
};
/** What a public address has to leave out. */
const PRIVATE = {
  '0.0.0.0/0': ['10.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'],
  '::/0': ['fc00::/7', 'fe80::/10'],
};
/** Set by compose for its own stores and its mailbox; here a file of the secret, and the overlay. */
const OTHERWISE = ['EVENTSTORE_URL', 'EMAIL_API_URL', 'EMAIL_FROM'];
/** Read by Node, by the log and by the command line in the container. */
const OF_ALL = ['UV_THREADPOOL_SIZE', 'LOG_LEVEL', 'NODE_EXTRA_CA_CERTS', 'ADMIN_URL', 'NODE_ENV'];

const nameOf = ({ kind, metadata }) => `${kind}/${metadata?.name}`;
const podOf = ({ spec }) => spec?.template?.spec ?? spec?.jobTemplate?.spec?.template?.spec;
const ofKind = (documents, kind) => documents.filter((one) => one.kind === kind);
const isIn = (wanted = {}, labels = {}) =>
  Object.entries(wanted).every(([key, value]) => labels[key] === value);

/** @param {Known} known @param {object[]} documents what kustomize renders @param {RegExp} image what an image looks like */
export function ruleFaults(documents, known, image) {
  const withPods = documents.filter((one) => podOf(one) !== undefined);
  return [
    ...processFaults(withPods, known),
    ...withPods.flatMap((one) =>
      [
        ...restrictionFaults(podOf(one)),
        ...containerFaults(one, known, image),
        ...secretFaults(one, known),
        ...settingFaults(one, documents, known),
      ].map((fault) => `${nameOf(one)}: ${fault}`),
    ),
    ...publicationFaults(documents),
    ...disruptionFaults(documents),
    ...networkFaults(documents),
    ...namespaceFaults(documents),
  ];
}

function processFaults(withPods, { processes }) {
  const faults = withPods
    .filter(({ metadata }) => processes[metadata.name] === undefined)
    .map((one) => `${nameOf(one)} is no process of docker-compose.yml`);
  for (const name of Object.keys(processes)) {
    const found = withPods.find(({ metadata }) => metadata.name === name);
    if (found === undefined) faults.push(`${name} is missing`);
    else if (found.spec.replicas !== REPLICAS[name]) faults.push(`${name} has other replicas`);
    else if (!isIn({ [NAME]: name }, found.spec.template.metadata?.labels))
      faults.push(`${name} has pods without its name`);
    else if (found.kind === 'Deployment' && found.spec.selector.matchLabels?.[NAME] !== name)
      faults.push(`${name} selects other pods`);
  }
  return faults;
}

const allContainers = (pod) => [...(pod.initContainers ?? []), ...pod.containers];

function restrictionFaults(pod) {
  const { runAsNonRoot, runAsUser, runAsGroup, fsGroup, seccompProfile } =
    pod.securityContext ?? {};
  const wanted = {
    runAsNonRoot: runAsNonRoot === true,
    'user and group 1000': [runAsUser, runAsGroup, fsGroup].every((id) => id === 1000),
    'seccomp RuntimeDefault': seccompProfile?.type === 'RuntimeDefault',
    'no token of a service account': pod.automountServiceAccountToken === false,
    'no addresses of services in its environment': pod.enableServiceLinks === false,
    'a namespace of its own': !pod.hostNetwork && !pod.hostPID && !pod.hostIPC,
    'volumes of secrets and of memory only': (pod.volumes ?? []).every(
      ({ secret, emptyDir }) => secret !== undefined || emptyDir?.medium === 'Memory',
    ),
  };
  for (const { name, securityContext: own = {} } of allContainers(pod)) {
    const { capabilities = {} } = own;
    const drops = String(capabilities.drop) === 'ALL' && capabilities.add === undefined;
    wanted[`${name} without capabilities`] = drops;
    wanted[`${name} without new privileges`] =
      own.allowPrivilegeEscalation === false && !own.privileged;
    wanted[`${name} with a read-only file system`] = own.readOnlyRootFilesystem === true;
    wanted[`${name} as the pod's user`] = ['runAsUser', 'runAsNonRoot', 'seccompProfile'].every(
      (key) => own[key] === undefined,
    );
  }
  return missing(wanted);
}

const missing = (wanted) =>
  Object.keys(wanted)
    .filter((what) => !wanted[what])
    .map((what) => `not: ${what}`);

function containerFaults(document, { processes }, image) {
  const pod = podOf(document);
  const service = processes[document.metadata.name];
  const wanted = {};
  for (const container of allContainers(pod)) {
    const { name, resources = {} } = container;
    wanted[`${name} with an image by its digest`] = image.test(container.image);
    wanted[`${name} with the command of compose`] =
      String(container.command) === String(service?.command) && container.args === undefined;
    wanted[`${name} with the memory of compose`] =
      resources.limits?.memory === service?.memory &&
      resources.requests?.memory === service?.memory;
    wanted[`${name} with a share of the processor`] = resources.requests?.cpu !== undefined;
    if (document.kind !== 'Job') Object.assign(wanted, probesOf(container));
    const sleeps = Number(container.lifecycle?.preStop?.exec?.command?.[1] ?? 0);
    wanted[`${name} with the grace of compose`] =
      pod.terminationGracePeriodSeconds === service?.graceSeconds + sleeps;
  }
  return missing(wanted);
}

function probesOf({ name, ports = [], startupProbe, livenessProbe, readinessProbe }) {
  const asks = (probe, path) =>
    probe?.httpGet?.path === path && probe.httpGet.port === 'internal' && probe.timeoutSeconds > 1;
  return {
    [`${name} with an internal port`]: ports.some((port) => port.name === 'internal'),
    [`${name} with a startup probe`]: asks(startupProbe, '/health/live'),
    [`${name} with a liveness probe`]: asks(livenessProbe, '/health/live'),
    [`${name} with a readiness probe`]: asks(readinessProbe, '/health/ready'),
  };
}

function secretFaults(document, { secretFiles }) {
  const { name } = document.metadata;
  const pod = podOf(document);
  const volumes = (pod.volumes ?? []).filter(({ secret }) => secret !== undefined);
  const faults = volumes
    .map(({ secret }) => secret.secretName)
    .filter((secret) => secretFiles[name] === undefined || secret !== `${name}-secrets`)
    .map((secret) => `mounts ${secret}, which is not its own`);
  if (volumes.length !== 1) faults.push(`mounts ${volumes.length} secrets`);
  for (const container of allContainers(pod)) {
    const mounts = (container.volumeMounts ?? []).filter((mount) =>
      volumes.some((volume) => volume.name === mount.name),
    );
    // Only there may a file of a secret belong to root and be open to the group (configuration.ts).
    if (mounts.length !== 1 || mounts[0].mountPath !== SECRETS || mounts[0].readOnly !== true)
      faults.push(`does not mount its secret at ${SECRETS}, to be read`);
    const fromSecrets = [
      ...(container.envFrom ?? []).filter(({ secretRef }) => secretRef),
      ...(container.env ?? []).filter(({ valueFrom }) => valueFrom?.secretKeyRef),
    ];
    if (fromSecrets.length > 0) faults.push('has a secret in its environment');
  }
  return faults;
}

function settingFaults(document, documents, { processes, secretFiles, readersOf }) {
  const { name } = document.metadata;
  const faults = [];
  const settings = {};
  for (const container of allContainers(podOf(document))) {
    for (const { configMapRef } of container.envFrom ?? []) {
      const map = ofKind(documents, 'ConfigMap').find(
        ({ metadata }) => metadata.name === configMapRef?.name,
      );
      if (map === undefined) faults.push(`there is no ConfigMap ${configMapRef?.name}`);
      Object.assign(settings, map?.data);
    }
    for (const { name: setting, value } of container.env ?? []) settings[setting] = value;
    const internal = container.ports?.find((port) => port.name === 'internal')?.containerPort;
    if (internal !== undefined && String(internal) !== settings.INTERNAL_PORT)
      faults.push('has another internal port than its setting');
    const http = container.ports?.find((port) => port.name === 'http')?.containerPort;
    if (http !== undefined && String(http) !== (settings.API_PORT ?? settings.ADMIN_PORT))
      faults.push('has another port than its setting');
  }
  const files = secretFiles[name] ?? [];
  const named = Object.keys(settings).filter((setting) => setting.endsWith('_FILE'));
  const unnamed = new Set(files);
  for (const setting of named) {
    const file = files.find((one) => settings[setting] === `${SECRETS}/${one}`);
    if (file === undefined) faults.push(`${setting} names no file of its secret`);
    unnamed.delete(file);
  }
  for (const file of unnamed) faults.push(`no setting names ${file} of its secret`);
  for (const setting of Object.keys(settings)) {
    const bare = setting.replace(/_FILE$/, '');
    if (!readersOf(bare).includes(name) && !OF_ALL.includes(bare))
      faults.push(`${setting} is no setting of it`);
    if (/(KEY|KEYS|PEPPERS|PASSWORD|DATABASE_URL)$/.test(setting))
      faults.push(`${setting} is a secret in a ConfigMap`);
  }
  for (const [setting, value] of Object.entries(processes[name]?.environment ?? {})) {
    const wanted = value.replace(/^\/secrets\//, `${SECRETS}/`);
    if (wanted !== '' && !OTHERWISE.includes(setting) && settings[setting] !== wanted)
      faults.push(`${setting} is not what docker-compose.yml has`);
  }
  return faults;
}

function publicationFaults(documents) {
  const faults = [];
  for (const service of ofKind(documents, 'Service')) {
    const { type, selector, ports, externalIPs } = service.spec;
    if (type !== 'ClusterIP' || externalIPs !== undefined)
      faults.push(`${nameOf(service)} is open outside of the cluster`);
    if (
      selector?.[NAME] !== service.metadata.name ||
      ports.some((port) => port.targetPort !== 'http')
    )
      faults.push(`${nameOf(service)} leads to another process`);
  }
  for (const ingress of ofKind(documents, 'Ingress')) {
    const text = JSON.stringify(ingress.spec);
    const backends = [...text.matchAll(/"service":\{"name":"([^"]*)"/g)].map(([, name]) => name);
    if (backends.length === 0 || backends.some((name) => name !== 'api'))
      faults.push(`${nameOf(ingress)} publishes something else than the API`);
    if (!ingress.spec.tls?.length) faults.push(`${nameOf(ingress)} has no TLS`);
  }
  return faults;
}

function disruptionFaults(documents) {
  const budgets = ofKind(documents, 'PodDisruptionBudget');
  return ofKind(documents, 'Deployment').flatMap(({ metadata, spec }) => {
    const found = budgets.filter((one) => one.spec.selector.matchLabels?.[NAME] === metadata.name);
    // A budget of the only pod would stop every drain of its node.
    const wanted = spec.replicas > 1 ? 1 : 0;
    const isRight = found.every((budget) => budget.spec.maxUnavailable === 1);
    return found.length === wanted && isRight ? [] : [`${metadata.name} has no right budget`];
  });
}

function networkFaults(documents) {
  const policies = ofKind(documents, 'NetworkPolicy');
  const denies = policies.some(
    ({ spec }) =>
      Object.keys(spec.podSelector).length === 0 &&
      String([...spec.policyTypes].sort()) === 'Egress,Ingress' &&
      spec.ingress === undefined &&
      spec.egress === undefined,
  );
  const faults = denies ? [] : ['nothing denies what no policy names'];
  for (const [name, wanted] of Object.entries(CONNECTIONS)) {
    const found = policies
      .filter(({ spec }) => selects(spec.podSelector, name))
      .flatMap(connectionsOf);
    // Stores outside of the cluster, each by one address.
    const isStore = (one) => /^out [\d.]+\/32 (5432|2113)$/.test(one);
    for (const one of found)
      if (!wanted.includes(one) && !isStore(one)) faults.push(`${name} may: ${one}`);
    for (const one of wanted) if (!found.includes(one)) faults.push(`${name} may not: ${one}`);
  }
  return faults;
}

const selects = ({ matchLabels, matchExpressions = [] }, name) =>
  isIn(matchLabels, { [NAME]: name }) &&
  matchExpressions.every(
    ({ key, operator, values }) => key === NAME && operator === 'In' && values.includes(name),
  );

function connectionsOf({ spec }) {
  const lines = (way, rules = [], peersOf) =>
    rules.flatMap((rule) =>
      (peersOf(rule) ?? [{}]).flatMap((peer) =>
        (rule.ports ?? [{}]).map(({ port = 'every port' }) => `${way} ${peerName(peer)} ${port}`),
      ),
    );
  return [
    ...lines('in', spec.ingress, ({ from }) => from),
    ...lines('out', spec.egress, ({ to }) => to),
  ];
}

function peerName({ ipBlock, namespaceSelector, podSelector }) {
  if (ipBlock) {
    const left = (PRIVATE[ipBlock.cidr] ?? []).filter((net) => !ipBlock.except?.includes(net));
    return [ipBlock.cidr, ...left].join(' with ');
  }
  const [[key, value], ...further] = Object.entries(namespaceSelector?.matchLabels ?? { '': '' });
  if (key === '' || further.length > 0 || podSelector) return 'everybody';
  return key === 'kubernetes.io/metadata.name' ? value : key;
}

function namespaceFaults(documents) {
  const [namespace] = ofKind(documents, 'Namespace');
  const faults = documents
    .filter((one) => one !== namespace && one.metadata.namespace !== namespace?.metadata.name)
    .map((one) => `${nameOf(one)} is in another namespace`);
  const enforced = namespace?.metadata.labels?.['pod-security.kubernetes.io/enforce'];
  if (enforced !== 'restricted') faults.push('the namespace takes pods that are not restricted');
  return faults;
}
