/** Names of account streams start with this, and no other stream's does. */
export const accountStreamPrefix = 'account-';

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Name of the stream that holds the account's whole history.
 *
 * @param accountId lower-case UUID
 * @throws RangeError when it is none
 */
export function accountStreamName(accountId: string): string {
  if (!uuidPattern.test(accountId)) throw new RangeError('an account id is a lower-case UUID');
  return accountStreamPrefix + accountId;
}

/** @throws RangeError when the stream is not an account's */
export function accountIdOfStream(streamName: string): string {
  const accountId = streamName.slice(accountStreamPrefix.length);
  if (!streamName.startsWith(accountStreamPrefix) || !uuidPattern.test(accountId)) {
    throw new RangeError('the stream is not that of an account');
  }
  return accountId;
}
