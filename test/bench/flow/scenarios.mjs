import { basicAuthCalls } from './scenarios/basic-auth.mjs';
import { lags } from './scenarios/lags.mjs';
import { machineLimits } from './scenarios/machine-limits.mjs';
import { overhead } from './scenarios/overhead.mjs';
import { cost10, cost12 } from './scenarios/production-cost.mjs';
import { profile } from './scenarios/profile.mjs';
import { roundTrips } from './scenarios/round-trips.mjs';
import { startUp } from './scenarios/start-up.mjs';
import { steadyRate } from './scenarios/steady-rate.mjs';
import { storms } from './scenarios/storms.mjs';

/** What the load driver can do, in the order in which everything is done. */
export const scenarios = {
  limits: { about: 'what the machine does at most', run: machineLimits },
  'cost-12': {
    about: 'registrations and activations at bcrypt cost 12, beside peers',
    run: cost12,
  },
  'cost-10': { about: 'registrations at bcrypt cost 10, beside peers', run: cost10 },
  overhead: { about: 'the whole flow at bcrypt cost 4, beside peers', run: overhead },
  'round-trips': {
    about: 'what one call asks of PostgreSQL and the event store, and how often it wakes a process',
    run: roundTrips,
  },
  steady: {
    about: 'what a registration costs when the machine has time, beside peers',
    run: steadyRate,
  },
  basic: {
    about: 'repeated Basic calls: verified, hashed, without authentication',
    run: basicAuthCalls,
  },
  storms: { about: 'other routes and the event loop during storms', run: storms },
  lags: { about: 'how soon reads and mails follow a registration', run: lags },
  'start-up': { about: 'npm start to ready', run: startUp },
  profile: { about: 'where our processes spend their time (only when it is named)', run: profile },
};
