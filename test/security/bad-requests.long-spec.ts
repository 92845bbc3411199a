import { describeBadRequests } from './bad-requests.js';

/** `npm run fuzz -- --runs 1000000` sets another number. */
describeBadRequests(Number(process.env['FUZZ_RUNS'] ?? '8000'));
