import { CredentialsSuperseded, accountStreamName } from '@app/accounts';
import type { Account } from '@app/accounts';
import { loadStream } from '@app/event-store';
import type { Accounts } from '@app/personal-data';
import type { AccountView } from '@app/views';
import { createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** The claim whose password the caller has just proven to know. */
export interface ProvenClaim {
  readonly accountId: string;
  readonly claimNumber: number;
  /**
   * Compares the caller's password once more, with the claim that would be looked at now.
   *
   * @returns the number of that claim; undefined when the password is another one
   * @throws HashingOverloaded
   */
  readonly proveAgain: (state: Account) => Promise<number | undefined>;
}

/** The same, with the account as the read model has it. */
export type ProvenAccount = ProvenClaim & AccountView;

const PROVEN = Symbol('ProvenAccount');

type AuthenticatedRequest = FastifyRequest & { [PROVEN]?: ProvenAccount };

export function setProvenAccount(request: FastifyRequest, account: ProvenAccount): void {
  (request as AuthenticatedRequest)[PROVEN] = account;
}

/** Controller parameter: who is asking. Only behind BasicAuthGuard. */
export const Proven = createParamDecorator(
  (_: unknown, execution: ExecutionContext): ProvenAccount =>
    provenAccountOf(execution.switchToHttp().getRequest<FastifyRequest>()),
);

/** @throws Error when BasicAuthGuard has not let the request through */
export function provenAccountOf(request: FastifyRequest): ProvenAccount {
  const account = (request as AuthenticatedRequest)[PROVEN];
  if (account === undefined) throw new Error('this route lacks the BasicAuthGuard');
  return account;
}

/**
 * Acts on a claim. When it was replaced between its proof and the act, as by a second tap on a button, the password
 * is compared with what replaced it, once.
 *
 * @throws whatever `act` throws; CredentialsSuperseded when the password is no longer right
 */
export async function onProvenClaim<Result>(
  accounts: Accounts,
  { accountId, claimNumber, proveAgain }: ProvenClaim,
  act: (claimNumber: number) => Promise<Result>,
): Promise<Result> {
  try {
    return await act(claimNumber);
  } catch (error) {
    if (!(error instanceof CredentialsSuperseded)) throw error;
    const { state } = await loadStream(accounts, accountStreamName(accountId));
    const again = await proveAgain(state);
    if (again === undefined || again === claimNumber) throw error;
    return act(again);
  }
}
