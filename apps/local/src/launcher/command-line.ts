import { spawnSync } from 'node:child_process';
import { textIfThere } from '../text-if-there.js';

/** The command line of a living process, its words parted by spaces; empty when there is none (or a zombie). */
export function commandLineOf(pid: number): string {
  if (process.platform === 'linux') {
    return textIfThere(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ').trim() ?? '';
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
