import { describeAnyPath } from './any-path.js';

/** Requests to each service; `ANY_PATH_RUNS=50000 npm run test:long -- any-path` sends more. */
describeAnyPath(Number(process.env['ANY_PATH_RUNS'] ?? 20_000));
