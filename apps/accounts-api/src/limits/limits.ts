import { setting } from '@app/process';

const HOUR_MS = 3_600_000;

/** How often one caller may do something. */
export interface Limit {
  /** Fixed: it is part of the name of every bucket. */
  readonly name: string;
  /** So many at once, and as many again spread over each hour. */
  readonly perHour: number;
  /** Whether it counts calls that concern one address, wherever they come from. */
  readonly isOfAddress: boolean;
}

/** Limits that count calls, by what is called and by whom. */
export interface Limits {
  readonly registrationsPerNetwork: Limit;
  readonly registrationsPerAddress: Limit;
  readonly newCodesPerNetwork: Limit;
  readonly newCodesPerAddress: Limit;
  readonly failedLoginsPerNetwork: Limit;
  readonly failedLoginsPerAddress: Limit;
  readonly failedLoginsPerAddressAndNetwork: Limit;
}

/** Calls of one network that change something: what a machine under development does is no attack. */
const NETWORK_CALLS = { production: 600, otherwise: 100_000 };

/**
 * The settings behind the limits.
 *
 * @param production whether defaults are those for the open network
 */
export function limitSettings(production: boolean) {
  const perHour = (preset: number, what: string) =>
    setting.integer(1, 10_000_000).default(preset).describe(`${what}, an hour`);
  const networkCalls = production ? NETWORK_CALLS.production : NETWORK_CALLS.otherwise;
  return {
    REGISTRATIONS_PER_NETWORK_PER_HOUR: perHour(
      networkCalls,
      'Registrations of one IPv4 address or IPv6 /64',
    ),
    REGISTRATIONS_PER_ADDRESS_PER_HOUR: perHour(20, 'Registrations of one e-mail address'),
    NEW_CODES_PER_NETWORK_PER_HOUR: perHour(
      networkCalls,
      'New codes for one IPv4 address or IPv6 /64',
    ),
    NEW_CODES_PER_ADDRESS_PER_HOUR: perHour(30, 'New codes for one e-mail address'),
    FAILED_LOGINS_PER_NETWORK_PER_HOUR: perHour(
      300,
      'Wrong passwords from one IPv4 address or IPv6 /64',
    ),
    FAILED_LOGINS_PER_ADDRESS_PER_HOUR: perHour(100, 'Wrong passwords for one e-mail address'),
    FAILED_LOGINS_PER_ADDRESS_AND_NETWORK_PER_HOUR: perHour(
      30,
      'Wrong passwords for one e-mail address from one network',
    ),
  };
}

type LimitSettings = {
  readonly [Name in keyof ReturnType<typeof limitSettings>]: number;
};

export function limitsOf(settings: LimitSettings): Limits {
  const limit = (name: string, perHour: number): Limit => ({
    name,
    perHour,
    isOfAddress: name.includes('/address'),
  });
  return {
    registrationsPerNetwork: limit(
      'registrations/network',
      settings.REGISTRATIONS_PER_NETWORK_PER_HOUR,
    ),
    registrationsPerAddress: limit(
      'registrations/address',
      settings.REGISTRATIONS_PER_ADDRESS_PER_HOUR,
    ),
    newCodesPerNetwork: limit('new-codes/network', settings.NEW_CODES_PER_NETWORK_PER_HOUR),
    newCodesPerAddress: limit('new-codes/address', settings.NEW_CODES_PER_ADDRESS_PER_HOUR),
    failedLoginsPerNetwork: limit(
      'failed-logins/network',
      settings.FAILED_LOGINS_PER_NETWORK_PER_HOUR,
    ),
    failedLoginsPerAddress: limit(
      'failed-logins/address',
      settings.FAILED_LOGINS_PER_ADDRESS_PER_HOUR,
    ),
    failedLoginsPerAddressAndNetwork: limit(
      'failed-logins/address-and-network',
      settings.FAILED_LOGINS_PER_ADDRESS_AND_NETWORK_PER_HOUR,
    ),
  };
}

/** How long it takes until one more call fits in, in milliseconds. */
export function refillMsOf({ perHour }: Limit): number {
  return HOUR_MS / perHour;
}
