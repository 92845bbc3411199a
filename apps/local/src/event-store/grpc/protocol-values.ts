import { isSystemStream } from '../streams/system-streams.js';
import { notServed } from './refused-calls.js';
import { handlerFailed, invalidArgument, UnusableAppend } from './rpc-errors.js';
import type { Shared } from '../protocol.js';

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/;
const CANONICAL_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const ZERO_UUID = '00000000-0000-0000-0000-000000000000';
/** EventStoreDB takes longer names; nothing here needs them. */
const MAX_NAME_LENGTH = 4_096;

/**
 * UTF-8 bytes of the name of a stream.
 *
 * @throws RpcError when it is none that can be read or appended to
 */
export function usableStreamName(name: Buffer | undefined): Buffer {
  if (name === undefined || name.length === 0) throw handlerFailed();
  if (name.length > MAX_NAME_LENGTH)
    throw invalidArgument(`a stream name has more than ${MAX_NAME_LENGTH} bytes`);
  if (isSystemStream(name)) throw notServed();
  return name;
}

/** Lower-case UUID from either of the forms that the protocol knows. */
export function uuidOf(uuid: Shared.UUID): string {
  const structured = uuid.getStructured();
  if (structured === undefined) return uuidFromText(uuid.getString());
  const [most, least] = [structured.getMostSignificantBits(), structured.getLeastSignificantBits()];
  return uuidFromText(hexOf(most) + hexOf(least));
}

/** @throws RpcError when the text is not a UUID, or the zero one */
export function uuidFromText(text: string): string {
  const id = CANONICAL_UUID.test(text) ? text : canonical(text);
  if (id === ZERO_UUID) throw new UnusableAppend("Empty eventId provided. (Parameter 'eventId')");
  return id;
}

function canonical(text: string): string {
  const lowerCase = text.toLowerCase().replace(/^\{(.*)\}$/, '$1');
  if (!UUID.test(lowerCase)) throw new UnusableAppend('Unrecognized Guid format.');
  return hyphenated(lowerCase.replaceAll('-', ''));
}

function hexOf(signedHalf: string): string {
  return BigInt.asUintN(64, BigInt(signedHalf)).toString(16).padStart(16, '0');
}

function hyphenated(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
