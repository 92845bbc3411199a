import { InvalidAddress, addressKeyOf } from '@app/accounts';
import { AccountIds } from '@app/account-secrets';
import { invalidRequest } from '@app/http-service';
import { Injectable, Param } from '@nestjs/common';
import type { PipeTransform } from '@nestjs/common';
import * as z from 'zod';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** An instant in a query: ISO 8601 with a zone. */
export function instantParameter(description: string) {
  return z.iso
    .datetime({ offset: true, error: 'must be an ISO 8601 time such as 2026-11-22T10:02:11Z' })
    .meta({ description, examples: ['2026-11-22T10:02:11Z'] });
}

/** A whole number in a query. */
export function integerParameter(min: number, max: number, description: string) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z
    .preprocess(
      (text) => (typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : text),
      z.int(message).min(min, message).max(max, message),
    )
    .meta({ description });
}

/**
 * The account that a request names by its id or by its e-mail address.
 *
 * @param field that it stands in: the segment of a path when left out
 * @throws Problem invalid-request when it is neither
 */
export function accountIdOfPath(text: string, accountIds: AccountIds, field = 'id'): string {
  if (UUID.test(text)) return text.toLowerCase();
  if (text.includes('@')) return accountIdOfAddress(text, accountIds, field);
  throw invalidRequest([{ field, message: 'must be an account id or an e-mail address' }]);
}

@Injectable()
class AccountIdPipe implements PipeTransform<string, string> {
  constructor(private readonly accountIds: AccountIds) {}

  transform(text: string): string {
    return accountIdOfPath(text, this.accountIds);
  }
}

/** Controller parameter: the id of the account that the path names; answered with invalid-request when it names none. */
export const AccountOfPath = () => Param('id', AccountIdPipe);

/** @throws Problem invalid-request when it is no e-mail address */
export function accountIdOfAddress(address: string, accountIds: AccountIds, field: string): string {
  try {
    return accountIds.accountIdOf(addressKeyOf(address));
  } catch (error) {
    if (error instanceof InvalidAddress) throw invalidRequest([{ field, message: error.message }]);
    throw error;
  }
}
