import type { AccountEvent } from '@app/accounts';
import type { Log } from '@app/service';
import { LimitExceeded } from '../throttle/throttle.js';

/** Whom an event is about, and as part of which request. Ids only: logs hold no personal data. */
export interface SecurityEventSubject {
  readonly requestId: string;
  /** Undefined when what was sent cannot be the address of an account. */
  readonly accountId: string | undefined;
}

/**
 * What somebody who watches over the service wants to know, as structured log lines. The member
 * `securityEvent` has the names of the OWASP Logging Vocabulary, for which alarms are ready-made, and two of
 * our own in its style: `user_create_fail` and `activation_code_fail`.
 */
export class SecurityEvents {
  constructor(private readonly log: Log) {}

  /** A password was not right. Says nothing of whether there is such an account. */
  loginFailed({ requestId, accountId }: SecurityEventSubject): void {
    const securityEvent = 'authn_login_fail';
    this.log.warn({ securityEvent, requestId, accountId }, 'a login failed');
  }

  loginSucceeded({ requestId, accountId }: SecurityEventSubject): void {
    const securityEvent = 'authn_login_success';
    this.log.debug({ securityEvent, requestId, accountId }, 'a login succeeded');
  }

  /** Passwords for this address, or from this network, are not even looked at for a while. */
  loginRefused(subject: SecurityEventSubject, { limit, isNew }: LimitExceeded): void {
    if (!isNew) return;
    const { requestId, accountId } = subject;
    this.log.warn(
      {
        securityEvent: limit.isOfAddress ? 'authn_login_lock' : 'excess_rate_limit_exceeded',
        requestId,
        accountId,
        reason: 'maxretries',
        limit: limit.name,
        max: limit.perHour,
      },
      'too many logins failed',
    );
  }

  /** The configuration lacks the pepper of a stored hash: its owner cannot log in until it is back. */
  hashUnreadable({ requestId, accountId }: SecurityEventSubject, error: Error): void {
    this.log.error(
      { requestId, accountId, reason: error.message },
      'a stored password hash cannot be checked',
    );
  }

  /** Tells what a registration or an activation did to an account; nothing for other facts. */
  accountChanged(subject: SecurityEventSubject, events: readonly AccountEvent[]): void {
    for (const { type } of events) {
      if (type === 'AccountRegistered') {
        this.log.info({ securityEvent: 'user_created', ...subject }, 'an account was registered');
      } else if (type === 'RegistrationRenewed') {
        const attributes = ['password'];
        this.log.info(
          { securityEvent: 'user_updated', ...subject, attributes },
          'the password of a pending account was replaced',
        );
      } else if (type === 'RegistrationRefused') {
        this.log.warn(
          { securityEvent: 'user_create_fail', ...subject },
          'an active address was registered again',
        );
      } else if (type === 'AccountActivated') {
        const attributes = ['status'];
        this.log.info(
          { securityEvent: 'user_updated', ...subject, attributes },
          'an account was activated',
        );
      } else if (type === 'ActivationRefused') {
        this.log.warn(
          { securityEvent: 'activation_code_fail', ...subject },
          'an activation code was refused',
        );
      }
    }
  }

  /** Runs `take` and reports the limit that refuses it, once for all calls that it refuses at a time. */
  async reportExcess(
    requestId: string,
    accountId: string | undefined,
    take: () => Promise<void>,
  ): Promise<void> {
    try {
      await take();
    } catch (error) {
      if (error instanceof LimitExceeded && error.isNew) {
        this.log.warn(
          {
            securityEvent: 'excess_rate_limit_exceeded',
            requestId,
            accountId,
            limit: error.limit.name,
            max: error.limit.perHour,
          },
          'a limit was exceeded',
        );
      }
      throw error;
    }
  }
}
