/** Injection tokens for the rules that a new password has to keep; the types are the domain's. */
export const PASSWORD_POLICY = Symbol('PasswordPolicy');
export const GUESSABLE_PASSWORDS = Symbol('GuessablePasswords');
