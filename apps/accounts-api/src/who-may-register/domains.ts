import { InvalidAddress, addressKeyOf } from '@app/accounts';
import * as z from 'zod';

/** Domains of e-mail addresses: `example.org` is itself, `*.example.org` every domain below it. */
export class Domains {
  private readonly exact = new Set<string>();
  private readonly below = new Set<string>();

  /** @throws InvalidAddress when an entry is no domain */
  constructor(entries: readonly string[]) {
    for (const entry of entries) {
      const isBelow = entry.startsWith('*.');
      // As addresses are compared: in lower case, in ASCII.
      const domain = domainOf(`someone@${isBelow ? entry.slice(2) : entry}`);
      (isBelow ? this.below : this.exact).add(domain);
    }
  }

  /** @throws InvalidAddress */
  hasThatOf(address: string): boolean {
    const domain = domainOf(address);
    return this.exact.has(domain) || parentsOf(domain).some((parent) => this.below.has(parent));
  }
}

/** `open`, `closed`, or the domains whose addresses may register. */
export const registrationSetting = z.string().transform((text, context) => {
  const word = text.trim().toLowerCase();
  return word === 'open' || word === 'closed' ? word : domainsIn(text, context);
});

/** Each with all domains below it: a throw-away provider hands those out as well. */
export const refusedDomainsSetting = z.string().transform((text, context) =>
  domainsIn(
    entriesOf(text)
      .flatMap((entry) => [entry, `*.${entry}`])
      .join(),
    context,
  ),
);

/** Separated by commas or line ends; lines that begin with # say nothing. */
function entriesOf(text: string): readonly string[] {
  const lines = text.split(/\r?\n/).filter((line) => !line.startsWith('#'));
  return lines.flatMap((line) => line.split(',').map((one) => one.trim())).filter(Boolean);
}

function domainsIn(text: string, context: z.RefinementCtx): Domains {
  const entries = entriesOf(text);
  try {
    if (entries.length > 0) return new Domains(entries);
  } catch (error) {
    if (!(error instanceof InvalidAddress)) throw error;
  }
  context.addIssue({
    code: 'custom',
    message: 'must name domains such as example.org or *.example.org, separated by commas',
  });
  return z.NEVER;
}

function domainOf(address: string): string {
  const key = addressKeyOf(address);
  return key.slice(key.lastIndexOf('@') + 1);
}

function parentsOf(domain: string): readonly string[] {
  const labels = domain.split('.');
  return labels.slice(1).map((_, index) => labels.slice(index + 1).join('.'));
}
