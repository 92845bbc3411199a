import { Problem, commonProblems } from '@app/http-service';

const NOT_UTF_8 =
  'The credentials are not UTF-8. Encode address and password as UTF-8, then as Base64.';

/** The one answer to missing, malformed, unknown, wrong and superseded credentials; another sentence to unreadable ones. */
export function unauthenticated(why?: 'not-utf-8'): Problem {
  return new Problem(
    commonProblems.unauthenticated,
    why
      ? NOT_UTF_8
      : 'Send the e-mail address and password of an account as HTTP Basic credentials. If you registered the ' +
          'address in another network and have not activated it yet, register it again where you are now.',
    { headers: { 'WWW-Authenticate': 'Basic realm="account", charset="UTF-8"' } },
  );
}
