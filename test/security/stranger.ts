import { setTimeout as pause } from 'node:timers/promises';
import { inboxOf, addressKeyOf } from '@app/accounts';
import {
  AccountClient,
  PASSWORD,
  anotherCode,
  basicAuth,
  newCaller,
} from '../api/account-client.js';
import type { Answer, Credentials } from '../api/account-client.js';
import type { Product } from '../support/product.js';

/** What a stranger meets in production; the product's tests are wide otherwise. */
export const PRODUCTION_LIMITS = {
  TRUSTED_PROXIES: 'loopback',
  REGISTRATIONS_PER_NETWORK_PER_HOUR: '600',
  REGISTRATIONS_PER_ADDRESS_AND_NETWORK_PER_HOUR: '6',
  REGISTRATIONS_PER_ADDRESS_AND_NETWORK_PER_DAY: '20',
  REGISTRATIONS_PER_ADDRESS_PER_HOUR: '60',
  NEW_CODES_PER_NETWORK_PER_HOUR: '600',
  NEW_CODES_PER_ADDRESS_PER_HOUR: '30',
  MAILS_PER_INBOX_AND_NETWORK_PER_HOUR: '3',
  MAILS_PER_INBOX_AND_NETWORK_PER_DAY: '5',
  MAILS_PER_INBOX_PER_DAY: '20',
  MAILS_PER_DOMAIN_AND_NETWORK_PER_DAY: '200',
  FAILED_LOGINS_PER_NETWORK_PER_HOUR: '300',
  FAILED_LOGINS_PER_ADDRESS_PER_HOUR: '100',
  FAILED_LOGINS_PER_ADDRESS_AND_NETWORK_PER_HOUR: '30',
  WRONG_CODES_PER_NETWORK_PER_HOUR: '30',
};

const SHORT_CODE = /(?<![\w-])\d{4}(?![\w-])/;
const WRONG_LONG_CODE = 'ZZZZ-ZZZZ-ZZZZ';
const LONG_CODE = /\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b/;

interface ArrivedMail {
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
}

let networks = 0;

/** An address in a network of its own. */
export function newNetwork(): string {
  networks += 1;
  return `10.${Math.floor(networks / 250)}.${networks % 250}.9`;
}

/** All mails to any spelling of the address with or without tags, the newest first. */
export async function mailsToInbox(product: Product, email: string): Promise<ArrivedMail[]> {
  const inbox = inboxOf(addressKeyOf(email));
  const response = await fetch(`${product.endpoints.mailbox}/emails?limit=1000`);
  const { data } = (await response.json()) as { data: ArrivedMail[] };
  return data.filter(({ to }) => to.some((one) => inboxOf(addressKeyOf(one)) === inbox));
}

/** A caller from one network at a time. */
class Caller {
  calls = 0;

  constructor(
    protected readonly client: AccountClient,
    protected network: string,
  ) {}

  protected get from() {
    return { 'X-Forwarded-For': this.network };
  }

  register(caller: Credentials, language = 'en'): Promise<Answer> {
    this.calls += 1;
    return this.client.post('/v1/accounts', caller, { ...this.from, 'Accept-Language': language });
  }

  activate(caller: Credentials, code: string): Promise<Answer> {
    this.calls += 1;
    return this.client.activate(caller, code, this.from);
  }

  requestCode(caller: Credentials): Promise<Answer> {
    this.calls += 1;
    const headers = { Authorization: basicAuth(caller), ...this.from };
    return this.client.call('/v1/account/activation-code', { method: 'POST', headers });
  }

  view(caller: Credentials): Promise<Answer> {
    this.calls += 1;
    return this.client.view(caller, this.from);
  }
}

/** Knows the address, and cannot read its mailbox. */
export class Stranger extends Caller {
  readonly password = 'a password of the stranger';

  constructor(
    private readonly product: Product,
    readonly victim: string,
  ) {
    super(new AccountClient(product.endpoints.api, 'stranger'), newNetwork());
  }

  get claim(): Credentials {
    return { email: this.victim, password: this.password };
  }

  /** Guesses, and asks for other codes to guess at, until nothing is let through any more. */
  async spendGuesses(): Promise<void> {
    await this.register(this.claim);
    for (;;) {
      // The only help that the test gives: no guess is right by accident.
      const { status } = await this.activate(this.claim, await this.wrongCode());
      if (status === 422) continue;
      if (status === 400) {
        while ((await this.activate(this.claim, WRONG_LONG_CODE)).status === 422);
      }
      await pause(1_100);
      if ((await this.requestCode(this.claim)).status !== 202) return;
    }
  }

  /** Has a new code issued, which voids the one in the owner's inbox, as often as it can. */
  async burnCodes(): Promise<void> {
    await this.register(this.claim);
    for (let asked = 0; asked < 6; asked += 1) {
      await pause(1_100);
      await this.requestCode(this.claim);
    }
  }

  async spendRegistrations(times = 25): Promise<void> {
    for (let time = 0; time < times; time += 1) await this.register(this.claim);
  }

  /** Fills the inbox by other addresses that lead to it. */
  async fillInbox(times = 8): Promise<void> {
    const [name = '', domain = ''] = this.victim.split('@');
    for (let time = 0; time < times; time += 1) {
      const tag = `${this.network.replace(/\./g, '-')}-${time}`;
      await this.register({ email: `${name}+${tag}@${domain}`, password: this.password });
    }
  }

  /** Until its signal: another password each time. */
  async replacePassword(signal: AbortSignal): Promise<void> {
    for (let time = 0; !signal.aborted; time += 1) {
      await this.register({ email: this.victim, password: `${this.password} ${time}` });
      await pause(300);
    }
  }

  async registerOddly(): Promise<void> {
    const [name = '', domain = ''] = this.victim.split('@');
    for (const email of [
      `${name.toUpperCase()}@${domain.toUpperCase()}`,
      `${name.replace(/^./, (first) => first.toUpperCase())}@${domain}`,
    ]) {
      await this.register({ email, password: this.password }, 'fr');
    }
  }

  async tryPasswords(times = 40): Promise<void> {
    for (let time = 0; time < times; time += 1) {
      await this.view({ email: this.victim, password: `not his password ${time}` });
    }
  }

  private async wrongCode(): Promise<string> {
    const mails = await mailsToInbox(this.product, this.victim);
    const short = SHORT_CODE.exec(mails[0]?.text ?? '')?.[0];
    return anotherCode(short ?? '1111');
  }
}

export interface Outcome {
  /** From his registration until his account was active, in milliseconds. */
  readonly waitedMs: number;
  /** Answers that he did not hope for. */
  readonly troubles: readonly string[];
}

/** Behaves like a person: registers, waits for mail, mistypes his password once, types the code, taps twice. */
export class Owner extends Caller {
  readonly credentials: Credentials;

  constructor(private readonly product: Product) {
    super(new AccountClient(product.endpoints.api, 'owner'), newNetwork());
    this.credentials = newCaller(`${PASSWORD} of the owner`);
  }

  get email(): string {
    return this.credentials.email;
  }

  /** Goes to another network. */
  move(): void {
    this.network = newNetwork();
  }

  /** @param between what happens after he registered, before he reads his mail */
  async activateAccount(
    withinMs: number,
    between: () => Promise<unknown> = async () => undefined,
  ): Promise<Outcome> {
    const begun = performance.now();
    const troubles: string[] = [];
    const { status } = await this.register(this.credentials);
    if (status !== 202) troubles.push(`register ${status}`);
    await between();
    await this.view({ ...this.credentials, password: 'mistyped once' });
    while (performance.now() - begun < withinMs) {
      const [code] = await this.newestCode();
      const answers =
        code === undefined
          ? []
          : await Promise.all([1, 2].map(() => this.activate(this.credentials, code)));
      if (answers.some((answer) => answer.status === 200)) {
        return { waitedMs: performance.now() - begun, troubles };
      }
      const [answer] = answers;
      if (answer) troubles.push(`activate ${answer.status}`);
      // As the answer says: register again where he is, ask for another code, or look at the newest mail.
      if (answer?.status === 401) await this.register(this.credentials);
      if (answer?.status === 410 || answer?.status === 409)
        await this.requestCode(this.credentials);
      await pause(400);
    }
    return { waitedMs: Infinity, troubles };
  }

  private async newestCode(): Promise<readonly string[]> {
    const key = addressKeyOf(this.email);
    const mails = await mailsToInbox(this.product, this.email);
    return mails
      .filter(({ to }) => to.some((one) => addressKeyOf(one) === key))
      .flatMap(({ text }) => LONG_CODE.exec(text)?.[0] ?? SHORT_CODE.exec(text)?.[0] ?? []);
  }
}
