import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The command line of a living process, its words parted by spaces; empty when there is none (or a zombie). */
export function commandLineOf(pid: number): string {
  if (process.platform === 'linux') {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      const gone = code === 'ENOENT' || code === 'ESRCH';
      if (!gone) throw error;
      return '';
    }
  }
  const [command, ...args] =
    process.platform === 'win32'
      ? [
          'powershell',
          '-NoProfile',
          '-Command',
          `(Get-CimInstance Win32_Process -Filter "ProcessId=${pid}").CommandLine`,
        ]
      : ['ps', '-o', 'command=', '-p', String(pid)];
  return spawnSync(command, args, { encoding: 'utf8', windowsHide: true }).stdout?.trim() ?? '';
}
