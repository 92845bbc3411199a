import { Problem } from '@app/http-service';
import { projections } from '@app/views';
import type { ProjectionConsumer } from '@app/views';
import { adminProblems } from '../../admin-problems.js';

/** @throws Problem projection-not-found */
export function projectionNamed(name: string): ProjectionConsumer {
  const found = projections.find((projection) => projection.name === name);
  if (found === undefined) {
    const names = projections.map((projection) => projection.name).join(', ');
    throw new Problem(adminProblems.projectionNotFound, `The projections are ${names}.`);
  }
  return found;
}
