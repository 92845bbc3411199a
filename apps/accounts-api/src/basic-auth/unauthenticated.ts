import { Problem, commonProblems } from '@app/http-service';

/** The one answer to missing, malformed, unknown, wrong and superseded credentials. */
export function unauthenticated(): Problem {
  return new Problem(
    commonProblems.unauthenticated,
    'Send the e-mail address and password of an account as HTTP Basic credentials.',
    { headers: { 'WWW-Authenticate': 'Basic realm="account", charset="UTF-8"' } },
  );
}
