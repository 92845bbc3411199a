import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';

// Checks what the admin API signed: heads of all histories, the history of one account, or a support bundle. Heads are
// checked against earlier ones, a history against heads. Needs nothing of this product.

const [file, ...others] = process.argv.slice(2);
const fingerprintWanted = others.find((other) => /^[0-9a-f]{64}$/.test(other));
const otherFile = others.find((other) => other !== fingerprintWanted);
if (file === undefined) {
  process.stderr.write(
    'usage: node verify-export.mjs FILE [OTHER-FILE] [FINGERPRINT]\n\n' +
      'FILE         heads of all histories, the history of an account, or a support bundle\n' +
      'OTHER-FILE   earlier heads, to be compared with heads; or heads, to find a history in\n' +
      'FINGERPRINT  of the key that must have signed them\n',
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
  if (fingerprintWanted !== undefined && fingerprint !== fingerprintWanted) {
    throw new Error(`${path} was signed with another key`);
  }
  return fingerprint;
}

/** @throws where something was changed that decoding would overlook */
function bytesOf(base64) {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.toString('base64') !== base64) throw new Error('key or signature is not base64');
  return bytes;
}

/** Every stream of an export in which no stream is broken. */
function headsOf({ path, format, lines }) {
  if (format !== 'stream-heads/v1') throw new Error(`${path} holds no heads`);
  const broken = lines.find((line) => line.broken);
  if (broken) {
    const { revision, reason } = broken.broken;
    throw new Error(`${broken.stream} breaks at revision ${revision}: ${reason}`);
  }
  return new Map(lines.map((line) => [line.stream, line]));
}

/** The earlier content must still be there, unchanged. */
function compareHeads(before, after) {
  for (const [stream, { revision, head }] of before) {
    const now = after.get(stream);
    if (now === undefined) throw new Error(`${stream} is gone`);
    if (now.revision < revision)
      throw new Error(`${stream} was cut off at revision ${now.revision}`);
    if (now.revision === revision && now.head !== head) {
      throw new Error(`${stream} was written anew, up to revision ${revision}`);
    }
  }
}

function checkHeads(found) {
  const heads = headsOf(found);
  if (otherFile !== undefined) compareHeads(headsOf(readSigned(otherFile)), heads);
  return `${heads.size} streams as of ${found.header.at} verify.`;
}

/** The links of a history, each computed anew. */
function linksOf({ header: { stream }, lines }) {
  const links = [];
  let isChained = false;
  lines.forEach((entry, revision) => {
    const { data, metadata } = entry.stored;
    const breaks = (reason) => new Error(`${stream} breaks at revision ${revision}: ${reason}`);
    if (entry.revision !== revision) throw breaks('revision-missing');
    const { schemaVersion, $correlationId, $causationId, actor, client, chain } = metadata;
    const values = [stream, String(revision), entry.eventId, entry.type, data];
    const why = [schemaVersion, $correlationId, $causationId, actor];
    const text = JSON.stringify(
      sorted([...values, ...why, ...(client === undefined ? [] : [client])]),
    );
    const link = createHash('sha256')
      .update(`${links.at(-1) ?? ''}\n${text}`)
      .digest('hex');
    isChained ||= chain !== undefined;
    if (isChained && chain === undefined) throw breaks('link-missing');
    if (isChained && chain !== link) throw breaks('link-differs');
    if (!tellsWhatIsStored(entry)) throw breaks('what can be read is not what is stored');
    links.push(link);
  });
  return { links, isChained };
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
  const { links, isChained } = linksOf(found);
  const told = [`${links.length} events of ${stream} as of ${at} verify.`];
  if (!isChained) told.push('None of them has a link: only the signature speaks for them.');
  if (otherFile !== undefined) {
    const known = headsOf(readSigned(otherFile)).get(stream);
    if (known === undefined) throw new Error(`${stream} is not in ${otherFile}`);
    const { revision, head } = known;
    if (revision >= links.length) {
      throw new Error(`${stream} has events up to revision ${revision} in ${otherFile}`);
    }
    if (links[revision] !== head) {
      throw new Error(`${stream} was written anew, up to revision ${revision}`);
    }
    told.push(`Up to revision ${revision} they are those of ${otherFile}.`);
  }
  return told.join('\n');
}

function checkBundle({ header, lines }) {
  const names = lines.map(({ section, failure }) =>
    failure ? `${section} (${failure})` : section,
  );
  return `The support bundle of ${header.at} verifies: ${names.join(', ')}.`;
}

const checks = {
  'stream-heads/v1': checkHeads,
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
