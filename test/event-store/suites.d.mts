export const ON_DEVELOPMENT_STORE: Readonly<Record<string, string>>;
export const ON_VERSIONS: readonly string[];
export const VERSIONS: readonly string[];
export const SUITES: Readonly<Record<'contract' | 'e2e' | 'kills', readonly string[]>>;
