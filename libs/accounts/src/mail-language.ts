/** Languages that our mails are written in. */
export const mailLanguages = ['en', 'fr', 'de', 'es'] as const;

export type MailLanguage = (typeof mailLanguages)[number];

/** For people who named no language that we have, and for codes from before events held a language. */
export const defaultMailLanguage: MailLanguage = 'en';
