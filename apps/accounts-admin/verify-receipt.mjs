import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';

// Checks a receipt of an erasure. Needs nothing of this product but the file itself, so that it can be read,
// and run anywhere.

const [file, expected] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('usage: node verify-receipt.mjs FILE [FINGERPRINT]\n');
  process.exit(2);
}

/** @returns {string | undefined} why the receipt does not hold */
function faultOf(receipt, publicKey, fingerprint) {
  const { receiptId, accountId, reason, erasedAt, signature } = receipt;
  const values = [receiptId, accountId, reason, erasedAt];
  if (values.some((value) => typeof value !== 'string' || value.includes('\n'))) {
    return 'a value is missing';
  }
  const text = ['erasure-receipt/v1', ...values, ''].join('\n');
  const bytes = Buffer.from(String(signature), 'base64');
  if (!verify(null, Buffer.from(text), publicKey, bytes)) return 'the signature does not fit';
  if (expected !== undefined && expected !== fingerprint) return 'it was signed with another key';
  return undefined;
}

try {
  const content = JSON.parse(readFileSync(file, 'utf8'));
  const receipt = content.receipt ?? content;
  const der = Buffer.from(String(receipt.publicKey), 'base64');
  const fingerprint = createHash('sha256').update(der).digest('hex');
  const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' });
  const fault = faultOf(receipt, publicKey, fingerprint);
  if (fault !== undefined) throw new Error(fault);
  const { accountId, erasedAt, receiptId } = receipt;
  process.stdout.write(
    `Receipt ${receiptId}: account ${accountId} was erased at ${erasedAt}.\n` +
      (expected === undefined
        ? `Signed with key ${fingerprint}: compare it with the one that was published.\n`
        : 'Signed with the expected key.\n'),
  );
} catch (error) {
  process.stderr.write(`The receipt does not hold: ${error.message}\n`);
  process.exitCode = 1;
}
