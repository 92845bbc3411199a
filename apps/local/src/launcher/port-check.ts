import { ConfigurationError } from '@app/process';
import { tryPort } from './free-port.js';

export interface WantedPort {
  /** The setting that names the port. */
  readonly setting: string;
  readonly host: string;
  readonly port: number;
}

/**
 * Finds taken ports before anything starts, so that one message names them all.
 *
 * @throws ConfigurationError naming each setting, its port and what to do
 */
export async function refuseTakenPorts(wanted: readonly WantedPort[]): Promise<void> {
  const faults = await Promise.all(wanted.map(explainIfTaken));
  const found = faults.filter((fault) => fault !== undefined);
  if (found.length > 0) throw new ConfigurationError(found);
}

async function explainIfTaken({ setting, host, port }: WantedPort): Promise<string | undefined> {
  if (port === 0) return undefined;
  try {
    await tryPort(port, host);
    return undefined;
  } catch (error) {
    switch ((error as NodeJS.ErrnoException).code) {
      case 'EADDRINUSE':
        return (
          `${setting}: port ${port} is taken by another program. ` +
          `Stop that program, or set ${setting} to another port (0 picks a free one)`
        );
      case 'EACCES':
        return `${setting}: this user may not listen on port ${port}; choose one above 1023`;
      case 'EADDRNOTAVAIL':
      case 'ENOTFOUND':
        return `HOST: ${host} is no address of this machine`;
      default:
        throw error;
    }
  }
}
