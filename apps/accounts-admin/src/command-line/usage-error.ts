/** The command line, or what it depends on, has to be changed first. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
