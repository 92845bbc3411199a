export function commandLineOf(pid: number | string | undefined): string;
export function familyOf(pid: number | string | undefined): string[];
export function killIfRunning(pid: number | string | undefined): void;
