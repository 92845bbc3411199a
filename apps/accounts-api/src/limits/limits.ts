import { SHARED_LIMITS } from '@app/account-secrets';
import { setting } from '@app/process';
import type { ClientNetworks } from '../client-address/network.js';

const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** How often one caller may do something. */
export interface Limit {
  /** Fixed: it is part of the name of every bucket. */
  readonly name: string;
  /** So many at once, and as many again spread over each period. */
  readonly calls: number;
  /** The same for callers who called before; what they cannot use is kept for others. */
  readonly callsAgain?: number;
  /** In milliseconds. */
  readonly periodMs: number;
  /** Whether it counts calls that concern one address, wherever they come from. */
  readonly isOfAddress: boolean;
  /** Whether calls of other networks count, so that its figures would tell of them. */
  readonly countsOthers: boolean;
}

/** One limit for each size of network: with the size grows how many people may call from it. */
export type NetworkLimits = Readonly<Record<keyof ClientNetworks, Limit>>;

/** Limits that count calls, by what is called and by whom. */
export interface Limits {
  readonly registrations: NetworkLimits;
  /** One network, one address. */
  readonly registrationsOfPair: Limit;
  readonly registrationsOfPairPerDay: Limit;
  /** All networks, one address; again for those that registered it within a day. */
  readonly registrationsOfAddress: Limit;
  readonly newCodes: NetworkLimits;
  readonly newCodesOfAddress: Limit;
  /** One network, one inbox. */
  readonly mailsOfPair: Limit;
  readonly mailsOfPairPerDay: Limit;
  /** All networks, one inbox; again for those that caused a mail to it within a day. */
  readonly mailsOfInbox: Limit;
  /** One network, one domain: its owner can have any number of inboxes. */
  readonly mailsOfDomain: Limit;
  readonly failedLogins: NetworkLimits;
  readonly failedLoginsOfPair: Limit;
  /** Networks that never proved the password of the address. */
  readonly failedLoginsOfAddress: Limit;
  readonly wrongCodes: NetworkLimits;
}

/** A /56 may have twice, an IPv4 /24 or IPv6 /48 four times what an IPv4 address or a /64 may have. */
const SHARE = { host: 1, site: 2, network: 4 };

/** What a machine under development does is no attack. */
const WIDE = 100_000;

/**
 * The settings behind the limits.
 *
 * @param production whether defaults are those for the open network
 */
export function limitSettings(production: boolean) {
  const most = (preset: number, what: string) =>
    setting.integer(1, 10_000_000).default(preset).describe(what);
  const host =
    'from one IPv4 address or IPv6 /64 (a /56 twice, an IPv4 /24 or IPv6 /48 four times)';
  const network = 'from one IPv4 /24 or IPv6 /48';
  const pair = `of one e-mail address ${network}`;
  const inbox = 'one inbox (an address without its tag and dots)';
  return {
    REGISTRATIONS_PER_NETWORK_PER_HOUR: most(
      production ? 600 : WIDE,
      `Registrations ${host}, an hour`,
    ),
    REGISTRATIONS_PER_ADDRESS_AND_NETWORK_PER_HOUR: most(
      production ? 6 : 60,
      `Registrations ${pair}, an hour`,
    ),
    REGISTRATIONS_PER_ADDRESS_AND_NETWORK_PER_DAY: most(
      production ? 20 : 200,
      `Registrations ${pair}, a day`,
    ),
    REGISTRATIONS_PER_ADDRESS_PER_HOUR: most(
      60,
      'Registrations of one e-mail address, an hour; half of them kept for networks that had none today. ' +
        'More are accepted, and nothing happens',
    ),
    NEW_CODES_PER_NETWORK_PER_HOUR: most(production ? 600 : WIDE, `New codes ${host}, an hour`),
    NEW_CODES_PER_ADDRESS_PER_HOUR: most(30, 'New codes for one e-mail address, an hour'),
    MAILS_PER_INBOX_AND_NETWORK_PER_HOUR: most(
      production ? 3 : 60,
      `Mails to ${inbox}, ${network}, an hour. More calls are accepted without a mail`,
    ),
    MAILS_PER_INBOX_AND_NETWORK_PER_DAY: most(
      production ? 5 : 200,
      `Mails to ${inbox}, ${network}, a day`,
    ),
    MAILS_PER_INBOX_PER_DAY: most(
      production ? 20 : 500,
      `Mails to ${inbox}, a day; two in five of them kept for networks that had none today`,
    ),
    MAILS_PER_DOMAIN_AND_NETWORK_PER_DAY: most(
      production ? 200 : WIDE,
      `Calls that may cause a mail to one domain, ${network}, a day`,
    ),
    FAILED_LOGINS_PER_NETWORK_PER_HOUR: most(300, `Wrong passwords ${host}, an hour`),
    FAILED_LOGINS_PER_ADDRESS_PER_HOUR: most(
      100,
      'Wrong passwords for one e-mail address, an hour, from networks that did not prove it within 30 days',
    ),
    FAILED_LOGINS_PER_ADDRESS_AND_NETWORK_PER_HOUR: most(30, `Wrong passwords ${pair}, an hour`),
    WRONG_CODES_PER_NETWORK_PER_HOUR: most(production ? 30 : WIDE, `Wrong codes ${host}, an hour`),
  };
}

type LimitSettings = {
  readonly [Name in keyof ReturnType<typeof limitSettings>]: number;
};

export function limitsOf(settings: LimitSettings): Limits {
  const limit = (name: string, calls: number, periodMs = HOUR_MS): Limit => ({
    name,
    calls,
    periodMs,
    isOfAddress: name.includes('/address'),
    countsOthers: name.endsWith('/address'),
  });
  const ofNetworks = (what: string, calls: number): NetworkLimits => ({
    host: limit(`${what}/host`, calls * SHARE.host),
    site: limit(`${what}/site`, calls * SHARE.site),
    network: limit(`${what}/network`, calls * SHARE.network),
  });
  const sharedLimit = (which: keyof typeof SHARED_LIMITS, calls: number) => {
    const { name, periodMs, partOfKnown } = SHARED_LIMITS[which];
    return { ...limit(name, calls, periodMs), callsAgain: Math.ceil(calls * partOfKnown) };
  };
  return {
    registrations: ofNetworks('registrations', settings.REGISTRATIONS_PER_NETWORK_PER_HOUR),
    registrationsOfPair: limit(
      'registrations/address-and-network',
      settings.REGISTRATIONS_PER_ADDRESS_AND_NETWORK_PER_HOUR,
    ),
    registrationsOfPairPerDay: limit(
      'registrations/address-and-network/day',
      settings.REGISTRATIONS_PER_ADDRESS_AND_NETWORK_PER_DAY,
      DAY_MS,
    ),
    registrationsOfAddress: sharedLimit(
      'registrations',
      settings.REGISTRATIONS_PER_ADDRESS_PER_HOUR,
    ),
    newCodes: ofNetworks('new-codes', settings.NEW_CODES_PER_NETWORK_PER_HOUR),
    newCodesOfAddress: limit('new-codes/address', settings.NEW_CODES_PER_ADDRESS_PER_HOUR),
    mailsOfPair: limit('mails/address-and-network', settings.MAILS_PER_INBOX_AND_NETWORK_PER_HOUR),
    mailsOfPairPerDay: limit(
      'mails/address-and-network/day',
      settings.MAILS_PER_INBOX_AND_NETWORK_PER_DAY,
      DAY_MS,
    ),
    mailsOfInbox: sharedLimit('mails', settings.MAILS_PER_INBOX_PER_DAY),
    mailsOfDomain: limit(
      'mails/domain-and-network',
      settings.MAILS_PER_DOMAIN_AND_NETWORK_PER_DAY,
      DAY_MS,
    ),
    failedLogins: ofNetworks('failed-logins', settings.FAILED_LOGINS_PER_NETWORK_PER_HOUR),
    failedLoginsOfPair: limit(
      'failed-logins/address-and-network',
      settings.FAILED_LOGINS_PER_ADDRESS_AND_NETWORK_PER_HOUR,
    ),
    failedLoginsOfAddress: limit(
      'failed-logins/address',
      settings.FAILED_LOGINS_PER_ADDRESS_PER_HOUR,
    ),
    wrongCodes: ofNetworks('wrong-codes', settings.WRONG_CODES_PER_NETWORK_PER_HOUR),
  };
}
