import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';

// Checks a receipt of an erasure. Needs nothing of this product but the file itself, so that it can be read,
// and run anywhere.

const [file, expected] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('usage: node verify-receipt.mjs FILE [FINGERPRINT]\n');
  process.exit(2);
}

/** The file is of a kind that this program does not check; it may or may not have been changed. */
class NoReceipt extends Error {}

/** @throws NoReceipt */
function readReceipt() {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new NoReceipt(`it cannot be read (${error.code})`);
  }
  if (/^\s*> /.test(text)) {
    throw new NoReceipt("it begins with lines of npm's own: write it with npm run --silent");
  }
  let content;
  try {
    content = JSON.parse(text);
  } catch {
    throw new NoReceipt('it is not JSON, or was cut off');
  }
  const receipt = content?.receipt ?? content;
  const missing = [...signedValues, 'publicKey', 'signature'].find(
    (name) => typeof receipt?.[name] !== 'string',
  );
  if (missing !== undefined) throw new NoReceipt(`it has no ${missing}`);
  return receipt;
}

const signedValues = ['receiptId', 'accountId', 'reason', 'erasedAt'];

/** @returns {string | undefined} why the receipt does not hold */
function faultOf(receipt, der, fingerprint) {
  const values = signedValues.map((name) => receipt[name]);
  if (values.some((value) => value.includes('\n'))) return 'a value has two lines';
  const text = ['erasure-receipt/v1', ...values, ''].join('\n');
  const bytes = Buffer.from(receipt.signature, 'base64');
  let publicKey;
  try {
    publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' });
  } catch {
    return 'its public key is none';
  }
  if (!verify(null, Buffer.from(text), publicKey, bytes)) {
    return 'the signature does not fit: it was changed since it was signed';
  }
  if (expected !== undefined && expected !== fingerprint) return 'it was signed with another key';
  return undefined;
}

try {
  const receipt = readReceipt();
  const der = Buffer.from(receipt.publicKey, 'base64');
  const fingerprint = createHash('sha256').update(der).digest('hex');
  const fault = faultOf(receipt, der, fingerprint);
  if (fault !== undefined) throw new Error(fault);
  const { accountId, erasedAt, receiptId } = receipt;
  process.stdout.write(
    `Receipt ${receiptId}: account ${accountId} was erased at ${erasedAt}.\n` +
      (expected === undefined
        ? `Signed with key ${fingerprint}: compare it with the one that was published.\n`
        : 'Signed with the expected key.\n'),
  );
} catch (error) {
  const isReceipt = !(error instanceof NoReceipt);
  process.stderr.write(
    isReceipt
      ? `The receipt does not hold: ${error.message}\n`
      : `${file} is no receipt of an erasure: ${error.message}\n`,
  );
  process.exitCode = isReceipt ? 1 : 2;
}
