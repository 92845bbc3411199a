import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';

// Checks an export of stream heads, alone or against an earlier one. Needs nothing of this product.

const [file, ...others] = process.argv.slice(2);
const fingerprintWanted = others.find((other) => /^[0-9a-f]{64}$/.test(other));
const earlier = others.find((other) => other !== fingerprintWanted);
if (file === undefined) {
  process.stderr.write('usage: node verify-export.mjs FILE [EARLIER-FILE] [FINGERPRINT]\n');
  process.exit(2);
}

/** Every stream of an export that is whole, signed, and has no broken stream. */
function readExport(path) {
  const content = readFileSync(path, 'utf8');
  const at = content.lastIndexOf('\n{"end":');
  if (at === -1) throw new Error(`${path} has no end: it is not whole`);
  const signed = content.slice(0, at + 1);
  const { end } = JSON.parse(content.slice(at + 1));
  const der = Buffer.from(end.publicKey, 'base64');
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  const text = `stream-heads/v1\n${createHash('sha256').update(signed).digest('hex')}\n`;
  if (!verify(null, Buffer.from(text), key, Buffer.from(end.signature, 'base64'))) {
    throw new Error(`${path} is not what was signed`);
  }
  const fingerprint = createHash('sha256').update(der).digest('hex');
  if (fingerprintWanted !== undefined && fingerprint !== fingerprintWanted) {
    throw new Error(`${path} was signed with another key`);
  }
  const [header, ...lines] = signed
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const broken = lines.find((line) => line.broken);
  if (broken) {
    const { revision, reason } = broken.broken;
    throw new Error(`${broken.stream} breaks at revision ${revision}: ${reason}`);
  }
  return { at: header.at, fingerprint, heads: new Map(lines.map((line) => [line.stream, line])) };
}

/** What was there before must still be there, as it was. */
function compare(before, after) {
  for (const [stream, { revision, head }] of before.heads) {
    const now = after.heads.get(stream);
    if (now === undefined) throw new Error(`${stream} is gone`);
    if (now.revision < revision)
      throw new Error(`${stream} was cut off at revision ${now.revision}`);
    if (now.revision === revision && now.head !== head) {
      throw new Error(`${stream} was written anew, up to revision ${revision}`);
    }
  }
}

try {
  const found = readExport(file);
  if (earlier !== undefined) compare(readExport(earlier), found);
  process.stdout.write(`${found.heads.size} streams as of ${found.at} verify.\n`);
  process.stdout.write(`Signed with key ${found.fingerprint}.\n`);
} catch (error) {
  process.stderr.write(`The export does not verify: ${error.message}\n`);
  process.exitCode = 1;
}
