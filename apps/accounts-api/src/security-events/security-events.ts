import type { AccountEvent } from '@app/accounts';
import type { Log } from '@app/process';
import { LimitExceeded } from '../limits/throttle.js';

/** Whom an event is about, and as part of which request. Ids only: logs hold no personal data. */
export interface SecurityEventSubject {
  readonly requestId: string;
  /** Undefined when what was sent cannot be the address of an account. */
  readonly accountId: string | undefined;
}

export type SecurityEventName =
  | 'authn_login_success'
  | 'authn_login_fail'
  | 'authn_login_lock'
  | 'excess_rate_limit_exceeded'
  | 'user_created'
  | 'user_updated'
  | 'user_create_fail'
  | 'activation_code_fail';

type Level = 'debug' | 'info' | 'warn';

/**
 * Security events for operators, as structured log lines. The member
 * `securityEvent` has the names of the OWASP Logging Vocabulary, for which alarms are ready-made, and two of
 * our own in its style: `user_create_fail` and `activation_code_fail`.
 */
export class SecurityEvents {
  /** @param onEvent called for each event, for metrics; must not throw */
  constructor(
    private readonly log: Log,
    private readonly onEvent: (event: SecurityEventName) => void = () => undefined,
  ) {}

  /** A password was not right. Says nothing of whether there is such an account. */
  loginFailed(subject: SecurityEventSubject): void {
    this.tell('warn', 'authn_login_fail', subject, 'a login failed');
  }

  loginSucceeded(subject: SecurityEventSubject): void {
    this.tell('debug', 'authn_login_success', subject, 'a login succeeded');
  }

  /** Passwords for this address, or from this network, are not even looked at for a while. */
  loginRefused(subject: SecurityEventSubject, { limit, isNew }: LimitExceeded): void {
    if (!isNew) return;
    const event = limit.isOfAddress ? 'authn_login_lock' : 'excess_rate_limit_exceeded';
    const details = { reason: 'maxretries', limit: limit.name, max: limit.calls };
    this.tell('warn', event, subject, 'too many logins failed', details);
  }

  /** The configuration lacks the pepper of a stored hash: its owner cannot log in until it is back. */
  hashUnreadable({ requestId, accountId }: SecurityEventSubject, error: Error): void {
    this.log.error(
      { requestId, accountId, reason: error.message },
      'a stored password hash cannot be checked',
    );
  }

  /** Logs what a registration or an activation did to an account; nothing for other events. */
  accountChanged(subject: SecurityEventSubject, events: readonly AccountEvent[]): void {
    for (const { type } of events) {
      switch (type) {
        case 'AccountRegistered':
          this.tell('info', 'user_created', subject, 'an account was registered');
          break;
        case 'RegistrationRenewed':
          this.tell('info', 'user_updated', subject, 'the password of a pending account changed', {
            attributes: ['password'],
          });
          break;
        case 'RegistrationRefused':
          this.tell('warn', 'user_create_fail', subject, 'an active address was registered again');
          break;
        case 'AccountActivated':
          this.tell('info', 'user_updated', subject, 'an account was activated', {
            attributes: ['status'],
          });
          break;
        case 'ActivationRefused':
          this.tell('warn', 'activation_code_fail', subject, 'an activation code was refused');
          break;
        default:
          break;
      }
    }
  }

  /** Runs `take` and reports the limit that refuses it, once for all calls that it refuses at a time. */
  async reportExcess<Result>(
    requestId: string,
    accountId: string | undefined,
    take: () => Promise<Result>,
  ): Promise<Result> {
    try {
      return await take();
    } catch (error) {
      if (error instanceof LimitExceeded && error.isNew) {
        const details = { limit: error.limit.name, max: error.limit.calls };
        const subject = { requestId, accountId };
        this.tell('warn', 'excess_rate_limit_exceeded', subject, 'a limit was exceeded', details);
      }
      throw error;
    }
  }

  private tell(
    level: Level,
    securityEvent: SecurityEventName,
    { requestId, accountId }: SecurityEventSubject,
    message: string,
    details: object = {},
  ): void {
    this.log[level]({ securityEvent, requestId, accountId, ...details }, message);
    this.onEvent(securityEvent);
  }
}
