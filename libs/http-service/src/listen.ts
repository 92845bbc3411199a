import type { NestFastifyApplication } from '@nestjs/platform-fastify';

/** The configured port belongs to another process, or must not be used. */
export class PortNotAvailable extends Error {
  constructor(setting: string, port: number, reason: string, options?: ErrorOptions) {
    super(`${setting}: port ${port} cannot be used (${reason}); choose another one`, options);
    this.name = 'PortNotAvailable';
  }
}

/**
 * Starts to take requests.
 *
 * @param port 0 for a free one
 * @param setting name of the setting that the port comes from, for the error
 * @returns the URL to reach it at
 * @throws PortNotAvailable
 */
export async function listen(
  app: NestFastifyApplication,
  host: string,
  port: number,
  setting: string,
): Promise<string> {
  try {
    await app.listen(port, host);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EADDRINUSE' || code === 'EACCES') {
      const reason = code === 'EACCES' ? 'not permitted' : 'it is taken';
      throw new PortNotAvailable(setting, port, reason, { cause: error });
    }
    throw error;
  }
  return app.getUrl();
}
