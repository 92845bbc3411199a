import type { AccountEvent, AccountEventType } from '@app/accounts';
import { UnknownEvent } from '@app/event-store';
import type { EventCodec, RecordedEvent, RequestClient } from '@app/event-store';

const known: Readonly<Record<AccountEventType, true>> = {
  AccountRegistered: true,
  RegistrationRenewed: true,
  PasswordHashUpgraded: true,
  RegistrationRefused: true,
  ActivationCodeIssued: true,
  ActivationCodeSent: true,
  ActivationCodeUndeliverable: true,
  ActivationMailDelivered: true,
  ActivationMailBounced: true,
  ActivationMailReportedAsSpam: true,
  ActivationRefused: true,
  AccountActivated: true,
  OwnerNoticeIssued: true,
  OwnerNotified: true,
  OwnerNoticeUndeliverable: true,
  RegistrationLapsed: true,
  AccountErased: true,
};

/** Account events stored as they are, without encryption: for specs only. */
export const plainAccountCodec: EventCodec<AccountEvent> & {
  clientsOf(events: readonly RecordedEvent[]): Promise<(RequestClient | undefined)[]>;
} = {
  encode: async (_, events, { client } = {}) =>
    events.map(({ type, data }) => ({
      type,
      schemaVersion: 1,
      data,
      ...(client && { client }),
    })),
  decode: async (events) =>
    events.map(({ type, data, metadata }) => {
      if (!(type in known)) throw new UnknownEvent(type, metadata.schemaVersion);
      return { type, data } as AccountEvent;
    }),
  clientsOf: async (events) =>
    events.map(({ metadata }) => metadata.client as RequestClient | undefined),
};
