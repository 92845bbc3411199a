import { describeBadRequests } from './bad-requests.js';

describeBadRequests(2_000);
