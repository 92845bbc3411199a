import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { writeAtomically } from './atomic-file.js';

/** Where a running product can be reached. */
export const productEndpoints = z.object({
  /** Base URL of the public API. */
  api: z.string(),
  /** Base URL of the admin API. */
  admin: z.string().optional(),
  /** Base URL of the stand-in e-mail provider and its inbox page; left out when mails go to a provider. */
  mailbox: z.string().optional(),
  /** The sign-up page. */
  signUp: z.string().optional(),
  /** Connection string for EventStoreDB's client. */
  eventstore: z.string(),
  /** Connection string for PostgreSQL, password included. */
  database: z.string(),
});

export type ProductEndpoints = z.infer<typeof productEndpoints>;

/** Publishes the endpoints in `<data folder>/endpoints.json`; only the owner can read it. */
export class EndpointsFile {
  private readonly path: string;

  constructor(dataDir: string) {
    this.path = join(dataDir, 'endpoints.json');
  }

  write(endpoints: ProductEndpoints): void {
    writeAtomically(this.path, endpoints);
  }

  /** What the last start wrote; undefined after a stop. It may be stale after a kill. */
  read(): ProductEndpoints | undefined {
    if (!existsSync(this.path)) return undefined;
    const content = readFileSync(this.path, 'utf8');
    // A crash of the machine may have left the file without its content.
    return content.trim() === '' ? undefined : productEndpoints.parse(JSON.parse(content));
  }

  remove(): void {
    rmSync(this.path, { force: true });
  }
}
