export function buildIfNeeded(): void;
export function sourcesBelow(folder: string): string[];
