/** The calls as an app makes them with the client of this repository, as `npm pack` packs it. */
import { RegistrationClient, RegistrationProblem } from 'event-sourced-registration-client';
import type { ViewedAccount } from 'event-sourced-registration-client';

export function connect(url: string, email: string, password: string) {
  const client = new RegistrationClient({ url });
  type Answer = Partial<Pick<ViewedAccount, 'activatedAt' | 'activation'>>;
  const outcome = async (code: number, call: Promise<object>) => {
    try {
      const answer: Answer = await call;
      const account = 'activatedAt' in answer && (answer.activatedAt ? 'active' : 'pending');
      const attemptsLeft = 'activation' in answer ? answer.activation?.attemptsLeft : undefined;
      return { code, account, attemptsLeft };
    } catch (error) {
      if (!(error instanceof RegistrationProblem)) throw error;
      return {
        code: error.status,
        problem: error.document.type,
        attemptsLeft: error.document.attemptsLeft,
        saysWhen: (error.retryAfterSeconds ?? 0) > 0,
        field: error.document.errors?.[0]?.field,
      };
    }
  };
  const credentials = { email, password };
  return {
    register: (address = email) => outcome(202, client.register({ email: address, password })),
    activate: (code: string) => outcome(200, client.activate(credentials, code)),
    requestCode: () => outcome(202, client.requestCode(credentials)),
    view: () => outcome(200, client.account(credentials, { wait: 'sent' })),
  };
}
