import {
  accountsProjection,
  activationMailsProjection,
  statisticsProjection,
} from '@app/read-model';
import type { Projection } from '@app/read-model';
import type { AccountEvent } from '@app/accounts';
import { accountStreamPrefix } from '@app/accounts';
import { Problem } from '@app/http-service';
import { adminProblems } from '../admin-problems.js';

/** Whoever follows the log under a checkpoint of its own. */
export interface Consumer {
  readonly name: string;
  readonly kind: 'projection' | 'saga';
  readonly streamNamePrefixes: readonly [string, ...string[]];
}

/** Those whose rows can be built anew. */
export const projections: readonly Projection<AccountEvent>[] = [
  accountsProjection,
  statisticsProjection,
  activationMailsProjection,
];

export const consumers: readonly Consumer[] = [
  ...projections.map(({ name, streamNamePrefixes }) => ({
    name,
    kind: 'projection' as const,
    streamNamePrefixes,
  })),
  { name: 'activation-mail', kind: 'saga', streamNamePrefixes: [accountStreamPrefix] },
  { name: 'forget-persons', kind: 'saga', streamNamePrefixes: [accountStreamPrefix] },
];

/** @throws Problem projection-not-found */
export function projectionNamed(name: string): Projection<AccountEvent> {
  const found = projections.find((projection) => projection.name === name);
  if (found === undefined) {
    const names = projections.map((projection) => projection.name).join(', ');
    throw new Problem(adminProblems.projectionNotFound, `The projections are ${names}.`);
  }
  return found;
}
