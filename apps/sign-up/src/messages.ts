/** What the page says. `{name}` is replaced. */
const en = {
  language: 'Language',
  signUp: 'Sign up',
  email: 'E-mail address',
  password: 'Password',
  passwordHint: 'At least 8 characters. Any are allowed, spaces and emoji included.',
  haveCode: 'I have signed up already',
  enterCode: 'Enter your code',
  mailed: 'We send a code to {email}. It is good for one minute once it is on its way.',
  sending: 'The mail is being sent …',
  slow: 'The mail takes longer than usual. We go on trying; you can stay here.',
  sent: 'The mail is on its way. The code is good for:',
  noCode: 'Enter the newest code from your inbox, or ask for a new one.',
  expired: 'This code has expired. Ask for a new one.',
  undeliverable: 'The mail cannot be delivered. Is the address right?',
  attemptsLeft: 'That is not the code. Tries left: {attempts}.',
  secondsLeft: '{seconds} s',
  code: 'Code',
  codeMissing: 'Enter the code from the mail.',
  activate: 'Activate',
  resend: 'Send a new code',
  resendIn: 'Send a new code ({seconds} s)',
  codeHasLetters: 'My code has letters',
  otherAddress: 'Use another address',
  activated: 'Your account is active',
  welcome: 'Welcome, {email}.',
  wrongPassword: 'Address and password do not match, or the address has not been registered.',
  unreachable: 'The service cannot be reached. Check your connection and try again.',
  captcha: 'Show that you are a person, and try again.',
  noCaptcha: 'The check that you are a person cannot be loaded. Reload the page.',
};

export type MessageName = keyof typeof en;
type Messages = Readonly<Record<MessageName, string>>;

const fr: Messages = {
  language: 'Langue',
  signUp: "S'inscrire",
  email: 'Adresse e-mail',
  password: 'Mot de passe',
  passwordHint: 'Au moins 8 caractères. Tous sont permis, espaces et émojis compris.',
  haveCode: 'Je suis déjà inscrit',
  enterCode: 'Saisissez votre code',
  mailed: "Nous envoyons un code à {email}. Il est valable une minute à partir de l'envoi.",
  sending: "Le message est en cours d'envoi …",
  slow: "L'envoi prend plus de temps que d'habitude. Nous continuons ; vous pouvez rester ici.",
  sent: 'Le message est parti. Le code est encore valable :',
  noCode: 'Saisissez le dernier code reçu, ou demandez-en un nouveau.',
  expired: 'Ce code a expiré. Demandez-en un nouveau.',
  undeliverable: "Le message ne peut pas être remis. L'adresse est-elle correcte ?",
  attemptsLeft: "Ce n'est pas le bon code. Essais restants : {attempts}.",
  secondsLeft: '{seconds} s',
  code: 'Code',
  codeMissing: 'Saisissez le code du message.',
  activate: 'Activer',
  resend: 'Envoyer un nouveau code',
  resendIn: 'Envoyer un nouveau code ({seconds} s)',
  codeHasLetters: 'Mon code contient des lettres',
  otherAddress: 'Utiliser une autre adresse',
  activated: 'Votre compte est actif',
  welcome: 'Bienvenue, {email}.',
  wrongPassword:
    "L'adresse et le mot de passe ne correspondent pas, ou l'adresse n'est pas inscrite.",
  unreachable: 'Le service est injoignable. Vérifiez votre connexion et réessayez.',
  captcha: 'Montrez que vous êtes une personne, puis réessayez.',
  noCaptcha: 'Le contrôle que vous êtes une personne ne se charge pas. Rechargez la page.',
};

const de: Messages = {
  language: 'Sprache',
  signUp: 'Registrieren',
  email: 'E-Mail-Adresse',
  password: 'Passwort',
  passwordHint: 'Mindestens 8 Zeichen. Alle sind erlaubt, auch Leerzeichen und Emojis.',
  haveCode: 'Ich bin schon registriert',
  enterCode: 'Code eingeben',
  mailed: 'Wir senden einen Code an {email}. Er gilt eine Minute, sobald die Mail unterwegs ist.',
  sending: 'Die Mail wird gesendet …',
  slow: 'Die Mail braucht länger als sonst. Wir versuchen es weiter, bleiben Sie einfach hier.',
  sent: 'Die Mail ist unterwegs. Der Code gilt noch:',
  noCode: 'Geben Sie den neuesten Code aus Ihrem Postfach ein, oder fordern Sie einen neuen an.',
  expired: 'Dieser Code ist abgelaufen. Fordern Sie einen neuen an.',
  undeliverable: 'Die Mail kann nicht zugestellt werden. Stimmt die Adresse?',
  attemptsLeft: 'Das ist nicht der Code. Verbleibende Versuche: {attempts}.',
  secondsLeft: '{seconds} s',
  code: 'Code',
  codeMissing: 'Geben Sie den Code aus der Mail ein.',
  activate: 'Aktivieren',
  resend: 'Neuen Code senden',
  resendIn: 'Neuen Code senden ({seconds} s)',
  codeHasLetters: 'Mein Code enthält Buchstaben',
  otherAddress: 'Andere Adresse verwenden',
  activated: 'Ihr Konto ist aktiv',
  welcome: 'Willkommen, {email}.',
  wrongPassword:
    'Adresse und Passwort passen nicht zusammen, oder die Adresse ist nicht registriert.',
  unreachable:
    'Der Dienst ist nicht erreichbar. Prüfen Sie Ihre Verbindung und versuchen Sie es noch einmal.',
  captcha: 'Zeigen Sie, dass Sie ein Mensch sind, und versuchen Sie es noch einmal.',
  noCaptcha:
    'Die Prüfung, ob Sie ein Mensch sind, lässt sich nicht laden. Laden Sie die Seite neu.',
};

const es: Messages = {
  language: 'Idioma',
  signUp: 'Registrarse',
  email: 'Correo electrónico',
  password: 'Contraseña',
  passwordHint: 'Al menos 8 caracteres. Se admiten todos, también espacios y emojis.',
  haveCode: 'Ya me he registrado',
  enterCode: 'Introduce tu código',
  mailed: 'Enviamos un código a {email}. Vale un minuto desde que sale el mensaje.',
  sending: 'El mensaje se está enviando …',
  slow: 'El mensaje tarda más de lo normal. Seguimos intentándolo; puedes esperar aquí.',
  sent: 'El mensaje está en camino. El código vale todavía:',
  noCode: 'Introduce el último código de tu bandeja de entrada o pide uno nuevo.',
  expired: 'Este código ha caducado. Pide uno nuevo.',
  undeliverable: 'El mensaje no se puede entregar. ¿Es correcta la dirección?',
  attemptsLeft: 'Ese no es el código. Intentos restantes: {attempts}.',
  secondsLeft: '{seconds} s',
  code: 'Código',
  codeMissing: 'Introduce el código del mensaje.',
  activate: 'Activar',
  resend: 'Enviar un código nuevo',
  resendIn: 'Enviar un código nuevo ({seconds} s)',
  codeHasLetters: 'Mi código tiene letras',
  otherAddress: 'Usar otra dirección',
  activated: 'Tu cuenta está activa',
  welcome: 'Te damos la bienvenida, {email}.',
  wrongPassword: 'La dirección y la contraseña no coinciden, o la dirección no está registrada.',
  unreachable: 'No se puede acceder al servicio. Comprueba tu conexión e inténtalo de nuevo.',
  captcha: 'Demuestre que es una persona e inténtelo de nuevo.',
  noCaptcha: 'La comprobación de que es una persona no se carga. Recargue la página.',
};

export const languages = { en, fr, de, es } as const;
export type Language = keyof typeof languages;

/** The first of a browser's languages that the page speaks; English when it speaks none. */
export function languageFor(wanted: readonly string[]): Language {
  const spoken = wanted.map((tag) => tag.slice(0, 2).toLowerCase());
  return spoken.find((tag): tag is Language => tag in languages) ?? 'en';
}

/** @param values by the names that stand in braces */
export function say(
  language: Language,
  name: MessageName,
  values: Readonly<Record<string, string | number>> = {},
): string {
  return languages[language][name].replaceAll(/\{(\w+)\}/g, (_, key: string) =>
    String(values[key]),
  );
}
