export const ON_DEVELOPMENT_STORE: Readonly<Record<string, string>>;
export const SUITES: Readonly<Record<'contract' | 'e2e' | 'kills', readonly string[]>>;
