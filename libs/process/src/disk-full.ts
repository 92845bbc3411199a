/** Whether an error is about a full disk, a quota that is used up, or a file that may not grow further. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as NodeJS.ErrnoException;
  return ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code ?? '') || isDiskFull(error.cause);
}
