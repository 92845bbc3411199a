import type { AccountView } from '@app/views';
import { createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** The registration whose password the caller has just proven to know. */
export interface ProvenRegistration {
  readonly accountId: string;
  /** Which registration the password belongs to: a renewal meanwhile makes it worthless. */
  readonly registrationNumber: number;
}

/** The same, with the account as the read model has it. */
export type ProvenAccount = ProvenRegistration & AccountView;

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
