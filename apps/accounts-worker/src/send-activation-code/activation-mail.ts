import { mailAddressOf } from '@app/accounts';
import type { CodeForm, MailLanguage } from '@app/accounts';
import { laidOut } from '../mail-delivery/mail-layout.js';
import type { Mail } from '../mail-delivery/mail.js';

export interface ActivationMail {
  readonly accountId: string;
  readonly issueNumber: number;
  /** As the person typed it. */
  readonly address: string;
  /** 4 digits, or three groups of 4 letters and digits. */
  readonly code: string;
  readonly form: CodeForm;
  /** How long the code is accepted, in milliseconds. */
  readonly ttlMs: number;
  readonly language: MailLanguage;
}

/**
 * The mail that carries a code. A code of four digits is the only run of four digits in its text, so that people and
 * programs find it at once; it is not in the subject, which shows on locked screens. A long code comes with the reason.
 */
export function activationMail(mail: ActivationMail): Mail {
  const { accountId, issueNumber, address, code, form, ttlMs, language } = mail;
  const texts = textsIn[language];
  const { title, whyLong, tooLate, otherNetwork, footer } = texts;
  const enterIt = enterWithin(Math.round(ttlMs / 1_000), texts);
  return {
    to: mailAddressOf(address),
    ...laidOut(language, {
      subject: title,
      heading: title,
      code,
      paragraphs: [enterIt, ...(form === 'long' ? [whyLong] : []), tooLate, otherNetwork],
      footer,
    }),
    tags: { account: accountId, issue: String(issueNumber) },
  };
}

interface Texts {
  /** The subject and the heading. */
  readonly title: string;
  readonly withinAMinute: string;
  withinMinutes(count: number): string;
  withinSeconds(count: number): string;
  readonly whyLong: string;
  readonly tooLate: string;
  readonly otherNetwork: string;
  readonly footer: string;
}

function enterWithin(seconds: number, texts: Texts): string {
  if (seconds === 60) return texts.withinAMinute;
  return seconds % 60 === 0 ? texts.withinMinutes(seconds / 60) : texts.withinSeconds(seconds);
}

const textsIn: Readonly<Record<MailLanguage, Texts>> = {
  en: {
    title: 'Your activation code',
    withinAMinute: 'Enter it within one minute.',
    withinMinutes: (count) => `Enter it within ${count} minutes.`,
    withinSeconds: (count) => `Enter it within ${count} seconds.`,
    whyLong:
      'It is longer than usual because too many wrong codes were tried for your address. A code of this ' +
      'length cannot be guessed. Small letters will do, and you may leave the hyphens out.',
    tooLate: 'Too late? Ask for a new code: you get another one, and this one no longer works.',
    otherNetwork:
      'Your password is not accepted because you changed networks since you registered? Register again ' +
      'where you are now, and enter this code there.',
    footer:
      'Somebody, probably you, registered this address. If it was not you, ignore this message: ' +
      'without the code nothing happens. We never ask for the code on the phone or by e-mail.',
  },
  fr: {
    title: "Votre code d'activation",
    withinAMinute: 'Saisissez-le dans la minute qui suit.',
    withinMinutes: (count) => `Saisissez-le dans les ${count} minutes.`,
    withinSeconds: (count) => `Saisissez-le dans les ${count} secondes.`,
    whyLong:
      "Il est plus long que d'habitude, car trop de codes erronés ont été essayés pour votre adresse. Un code " +
      'de cette longueur ne se devine pas. Les minuscules conviennent, et les tirets sont facultatifs.',
    tooLate:
      'Trop tard ? Demandez un nouveau code : vous en recevrez un autre, et celui-ci ne sera plus valable.',
    otherNetwork:
      "Votre mot de passe est refusé parce que vous avez changé de réseau depuis l'inscription ? " +
      'Inscrivez-vous de nouveau là où vous êtes, et saisissez-y ce code.',
    footer:
      "Quelqu'un, sans doute vous, a inscrit cette adresse. Si ce n'était pas vous, ignorez ce message : " +
      'sans le code, rien ne se passe. Nous ne demandons jamais le code par téléphone ni par e-mail.',
  },
  de: {
    title: 'Ihr Aktivierungscode',
    withinAMinute: 'Geben Sie ihn innerhalb einer Minute ein.',
    withinMinutes: (count) => `Geben Sie ihn innerhalb von ${count} Minuten ein.`,
    withinSeconds: (count) => `Geben Sie ihn innerhalb von ${count} Sekunden ein.`,
    whyLong:
      'Er ist länger als sonst, weil für Ihre Adresse zu viele falsche Codes probiert wurden. Ein Code dieser ' +
      'Länge lässt sich nicht erraten. Kleinbuchstaben genügen, und die Bindestriche können Sie weglassen.',
    tooLate:
      'Zu spät? Fordern Sie einen neuen Code an: Sie bekommen einen anderen, und dieser gilt nicht mehr.',
    otherNetwork:
      'Ihr Passwort wird nicht angenommen, weil Sie seit der Registrierung das Netz gewechselt haben? ' +
      'Registrieren Sie sich dort, wo Sie jetzt sind, noch einmal, und geben Sie dort diesen Code ein.',
    footer:
      'Jemand, wahrscheinlich Sie, hat diese Adresse registriert. Wenn Sie es nicht waren, lassen Sie diese Mail liegen: ' +
      'Ohne den Code geschieht nichts. Wir fragen nie am Telefon oder per E-Mail nach dem Code.',
  },
  es: {
    title: 'Su código de activación',
    withinAMinute: 'Introdúzcalo en un minuto.',
    withinMinutes: (count) => `Introdúzcalo en ${count} minutos.`,
    withinSeconds: (count) => `Introdúzcalo en ${count} segundos.`,
    whyLong:
      'Es más largo de lo habitual porque se probaron demasiados códigos erróneos para su dirección. Un código ' +
      'de esta longitud no se puede adivinar. Valen las minúsculas, y puede omitir los guiones.',
    tooLate: '¿Demasiado tarde? Pida un código nuevo: recibirá otro, y este dejará de valer.',
    otherNetwork:
      '¿No se acepta su contraseña porque ha cambiado de red desde que se registró? Regístrese de nuevo ' +
      'donde está ahora e introduzca allí este código.',
    footer:
      'Alguien, seguramente usted, ha registrado esta dirección. Si no ha sido usted, no haga caso de este mensaje: ' +
      'sin el código no pasa nada. Nunca pedimos el código por teléfono ni por correo.',
  },
};
