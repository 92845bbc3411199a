import { Problem, commonProblems } from '@app/http-service';

/** The one answer to missing, malformed, unknown, wrong and superseded credentials. */
export function unauthenticated(): Problem {
  return new Problem(
    commonProblems.unauthenticated,
    'Send the e-mail address and password of an account as HTTP Basic credentials. If you registered the ' +
      'address in another network and have not activated it yet, register it again where you are now.',
    { headers: { 'WWW-Authenticate': 'Basic realm="account", charset="UTF-8"' } },
  );
}
