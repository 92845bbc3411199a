/** Injection token of the `Queryable` that accounts are looked up in. */
export const ACCOUNTS_VIEW = Symbol('AccountsView');
