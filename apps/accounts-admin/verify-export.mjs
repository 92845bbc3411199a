import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';

// Checks what the admin API signed: heads of all histories, the history of one account, or a support bundle. Heads are
// checked against the earlier ones that they must continue, a history against heads. Needs nothing of this product.

const given = process.argv.slice(2);
const fingerprints = given.filter((one) => /^[0-9a-f]{64}$/.test(one));
const [file, otherFile] = given.filter((one) => !fingerprints.includes(one));
if (file === undefined) {
  process.stderr.write(
    'usage: node verify-export.mjs FILE [OTHER-FILE] [FINGERPRINT…]\n\n' +
      'FILE         heads of all histories, the history of an account, or a support bundle\n' +
      'OTHER-FILE   earlier heads, which heads must continue; or heads, to find a history in\n' +
      'FINGERPRINT  of the key that must have signed them; of two keys when two files were signed with different ones\n',
  );
  process.exit(2);
}

/** The file is of a kind that this program does not check; it may or may not have been changed. */
class NoExport extends Error {}

/** The lines of a file that is whole and signed, by kind. */
function readSigned(path) {
  const content = readExport(path);
  const at = content.lastIndexOf('\n{"end":');
  if (at === -1) throw new Error(`${path} has no end: it is not whole`);
  const signed = content.slice(0, at + 1);
  const { end } = parsed(path, content.slice(at + 1));
  const lines = signed
    .trimEnd()
    .split('\n')
    .map((line) => parsed(path, line));
  const { format } = lines[0];
  const fingerprint = fingerprintOf(path, format, signed, end);
  return { path, format, header: lines[0], lines: lines.slice(1), fingerprint };
}

/** @throws NoExport */
function readExport(path) {
  let content;
  try {
    // The service writes progress lines in between, and does not sign them.
    content = readFileSync(path, 'utf8').replace(/^\{"progress":.*\n/gm, '');
  } catch (error) {
    throw new NoExport(`${path} cannot be read (${error.code})`);
  }
  if (/^\s*> /.test(content)) {
    throw new NoExport(
      `${path} begins with lines of npm's own: write it with --out, or with npm run --silent`,
    );
  }
  if (!content.startsWith('{"format":')) {
    throw new NoExport(`${path} is no file of heads, of a history, or of a support bundle`);
  }
  return content;
}

function parsed(path, line) {
  try {
    return JSON.parse(line);
  } catch {
    throw new Error(`${path} is not what was signed: a line of it is no JSON`);
  }
}

function fingerprintOf(path, format, signed, { algorithm, publicKey, signature }) {
  if (!publicKey || !signature) throw new Error(`${path} is not signed`);
  if (algorithm !== 'Ed25519') throw new Error(`${path} is signed in a way that is not known`);
  const der = bytesOf(publicKey);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  const text = `${format}\n${createHash('sha256').update(signed).digest('hex')}\n`;
  if (!verify(null, Buffer.from(text), key, bytesOf(signature))) {
    throw new Error(`${path} is not what was signed`);
  }
  const fingerprint = createHash('sha256').update(der).digest('hex');
  if (fingerprints.length > 0 && !fingerprints.includes(fingerprint)) {
    throw new Error(`${path} was signed with another key: ${fingerprint}`);
  }
  return fingerprint;
}

/** @throws where something was changed that decoding would overlook */
function bytesOf(base64) {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.toString('base64') !== base64) throw new Error('key or signature is not base64');
  return bytes;
}

/** The other file, which may be of before a change of keys: the caller has to say so. */
function readOther(found) {
  const other = readSigned(otherFile);
  if (other.fingerprint !== found.fingerprint && fingerprints.length === 0) {
    throw new Error(
      `the files were signed with different keys, ${found.path} with ${found.fingerprint} and ${other.path} with ` +
        `${other.fingerprint}: add both when both are yours`,
    );
  }
  return other;
}

/** Everything that is said of each stream, by its name. */
function headsOf({ path, format, lines }) {
  if (format !== 'stream-heads/v2') throw new Error(`${path} holds no heads of this version`);
  const heads = new Map();
  const following = new Map();
  for (const line of lines) {
    const { stream } = line;
    if (line.digests) {
      if (!following.has(stream)) following.set(stream, []);
      following.get(stream).push(line);
    } else if (heads.has(stream)) throw new Error(`${path} names ${stream} twice`);
    else if (stream !== undefined) heads.set(stream, line);
  }
  const findings = [...heads.values()].flatMap(({ stream, broken }) =>
    broken ? [`${stream} breaks at revision ${broken.revision}: ${broken.reason}`] : [],
  );
  return { path, heads, following, findings };
}

const nothing = { revision: -1, head: '' };

/** Every stream of the earlier heads must go on in the later ones, and none may come from before them. */
function comparedHeads(before, after) {
  const streams = new Set([...before.heads.keys(), ...after.heads.keys()]);
  return [...streams].flatMap((stream) => {
    const [old = nothing, now] = [before.heads.get(stream), after.heads.get(stream)];
    if (now === undefined) return [`${stream} is gone`];
    if (old.broken || now.broken) return [];
    if (now.revision < old.revision) return [`${stream} was cut off at revision ${now.revision}`];
    const reached = continued(old, after.following.get(stream) ?? []);
    if (reached.revision !== now.revision) {
      return [
        `${stream} has events after revision ${old.revision}, and nothing shows what they follow: ` +
          'have the heads made with --since',
      ];
    }
    if (reached.head === now.head) return [];
    return old === nothing
      ? [`${stream} was slipped in`]
      : [`${stream} was written anew, up to revision ${old.revision}`];
  });
}

/** The head after those of the events that come one after the other. */
function continued({ revision, head }, lines) {
  for (const { after, digests } of lines) {
    digests.forEach((digest, index) => {
      // A long log is read more than once: what came before comes again.
      if (after + 1 + index !== revision + 1) return;
      revision += 1;
      head = sha256(`${head}\n${digest}`);
    });
  }
  return { revision, head };
}

function sha256(text) {
  return createHash('sha256').update(text).digest('hex');
}

const MOST_FINDINGS = 20;

function throwAny(findings) {
  if (findings.length === 0) return;
  const shown = findings.slice(0, MOST_FINDINGS);
  const left = findings.length - shown.length;
  throw new Error([...shown, ...(left > 0 ? [`and ${left} more`] : [])].join('\n'));
}

function checkHeads(found) {
  const now = headsOf(found);
  const lines = [`${now.heads.size} streams as of ${found.header.at} verify.`];
  if (otherFile === undefined) {
    throwAny(now.findings);
    return lines[0];
  }
  const other = readOther(found);
  const before = headsOf(other);
  throwAny([
    ...before.findings.map((finding) => `${otherFile}: ${finding}`),
    ...now.findings,
    ...comparedHeads(before, now),
  ]);
  const grown = [...now.heads.values()].filter(
    ({ stream, revision }) => revision > (before.heads.get(stream)?.revision ?? -1),
  );
  const fresh = grown.filter(({ stream }) => !before.heads.has(stream)).length;
  lines.push(
    `They continue all ${before.heads.size} of ${otherFile} as of ${other.header.at}: ` +
      `${grown.length - fresh} grew since, ${fresh} are new.`,
  );
  return lines.join('\n');
}

/** The head after each event of a history, with each link computed anew. */
function headsOfHistory({ header: { stream }, lines }) {
  const heads = [];
  let link = '';
  lines.forEach((entry, revision) => {
    const { data, metadata } = entry.stored;
    const breaks = (reason) => new Error(`${stream} breaks at revision ${revision}: ${reason}`);
    if (entry.revision !== revision) throw breaks('revision-missing');
    const { schemaVersion, $correlationId, $causationId, actor, client, chain } = metadata;
    if (chain === undefined) throw breaks('link-missing');
    const values = [stream, String(revision), entry.eventId, entry.type, data];
    const why = [schemaVersion, $correlationId, $causationId, actor];
    const text = JSON.stringify(
      sorted([...values, ...why, ...(client === undefined ? [] : [client])]),
    );
    link = sha256(`${link}\n${text}`);
    if (chain !== link) throw breaks('link-differs');
    if (!tellsWhatIsStored(entry)) throw breaks('what can be read is not what is stored');
    heads.push(sha256(`${heads.at(-1) ?? ''}\n${sha256(`${link}\n${entry.recordedAt}`)}`));
  });
  return heads;
}

/** Sealed values cannot be compared: only the signature covers them. */
function tellsWhatIsStored({ actor, correlationId, causationId, data, stored }) {
  const { metadata } = stored;
  return (
    actor === metadata.actor &&
    correlationId === metadata.$correlationId &&
    causationId === metadata.$causationId &&
    Object.entries(data).every(
      ([name, value]) =>
        stored.data[name]?.sealed !== undefined || isDeepStrictEqual(value, stored.data[name]),
    )
  );
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]));
}

function checkHistory(found) {
  const { stream, at } = found.header;
  const heads = headsOfHistory(found);
  const lines = [`${heads.length} events of ${stream} as of ${at} verify.`];
  if (otherFile !== undefined) {
    const known = headsOf(readOther(found)).heads.get(stream);
    if (known === undefined) throw new Error(`${stream} is not in ${otherFile}`);
    const { revision, head, broken } = known;
    if (broken) throw new Error(`${stream} breaks in ${otherFile}`);
    if (revision >= heads.length) {
      throw new Error(`${stream} has events up to revision ${revision} in ${otherFile}`);
    }
    if (heads[revision] !== head) {
      throw new Error(`${stream} was written anew, up to revision ${revision}`);
    }
    lines.push(`Up to revision ${revision} they are those of ${otherFile}.`);
  }
  return lines.join('\n');
}

function checkBundle({ header, lines }) {
  const names = lines.map(({ section, failure }) =>
    failure ? `${section} (${failure})` : section,
  );
  return `The support bundle of ${header.at} verifies: ${names.join(', ')}.`;
}

const checks = {
  'stream-heads/v2': checkHeads,
  'account-history/v1': checkHistory,
  'support-bundle/v1': checkBundle,
};

try {
  const found = readSigned(file);
  if (!Object.hasOwn(checks, found.format)) {
    throw new NoExport(`${file} is of a kind that this program does not know`);
  }
  process.stdout.write(`${checks[found.format](found)}\n`);
  process.stdout.write(`Signed with key ${found.fingerprint}.\n`);
} catch (error) {
  const isExport = !(error instanceof NoExport);
  process.stderr.write(
    isExport ? `The export does not verify: ${error.message}\n` : `${error.message}\n`,
  );
  process.exitCode = isExport ? 1 : 2;
}
