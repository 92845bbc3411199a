import { SetMetadata } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Outcome } from './throttle.js';

const COUNTS_AGAIN = Symbol('counts again behind BasicAuthGuard');
const TO_BE_SETTLED = Symbol('the outcome of the password check');

type CountedRequest = FastifyRequest & { [TO_BE_SETTLED]?: Outcome };

/**
 * A route that counts its calls once more, when the password was right: what the check of the password leaves to be settled
 * is settled by that statement (`toBeSettledBy`), and costs none of its own.
 */
export const CountsAgain = () => SetMetadata(COUNTS_AGAIN, true);

/** Takes what the check of the password leaves; undefined where it has to be settled at once. */
export function settlingLater(
  execution: ExecutionContext,
): ((outcome: Outcome) => void) | undefined {
  if (Reflect.getMetadata(COUNTS_AGAIN, execution.getHandler()) !== true) return undefined;
  const request = execution.switchToHttp().getRequest<CountedRequest>();
  return (outcome) => {
    request[TO_BE_SETTLED] = outcome;
  };
}

/** What is to be settled together with the next count of this call; undefined when its password cost no count. */
export function toBeSettledBy(request: FastifyRequest): Outcome | undefined {
  return (request as CountedRequest)[TO_BE_SETTLED];
}
