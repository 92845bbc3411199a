import { mailAddressOf } from '@app/accounts';
import type { MailLanguage } from '@app/accounts';
import { laidOut } from '../mail-delivery/mail-layout.js';
import type { MailContent } from '../mail-delivery/mail-layout.js';
import type { Mail } from '../mail-delivery/mail.js';

export interface OwnerNoticeMail {
  readonly accountId: string;
  readonly noticeNumber: number;
  /** As the owner typed it when registering. */
  readonly address: string;
  readonly language: MailLanguage;
}

/** Informs the owner of an active account that the address was registered again; the client learns nothing of it. */
export function ownerNoticeMail(mail: OwnerNoticeMail): Mail {
  const { accountId, noticeNumber, address, language } = mail;
  return {
    to: mailAddressOf(address),
    ...laidOut(language, contents[language]),
    tags: { account: accountId, notice: String(noticeNumber) },
  };
}

const contents: Readonly<Record<MailLanguage, MailContent>> = {
  en: {
    subject: 'Somebody tried to register your address',
    heading: 'You already have an account',
    paragraphs: [
      'Somebody just tried to register this address, whose account is active already. Nothing was ' +
        'changed: your password is the one you had before.',
      'Was it you? Use your account with your password.',
      'Was it not you? There is nothing you have to do. Whoever it was did not learn that you have an account.',
    ],
    footer: 'However often somebody tries, you do not get this message again for a while.',
  },
  fr: {
    subject: "Quelqu'un a voulu inscrire votre adresse",
    heading: 'Vous avez déjà un compte',
    paragraphs: [
      "Quelqu'un vient de vouloir inscrire cette adresse, dont le compte est déjà actif. Rien n'a " +
        'changé : votre mot de passe est celui que vous aviez.',
      "C'était vous ? Utilisez votre compte avec votre mot de passe.",
      "Ce n'était pas vous ? Vous n'avez rien à faire. Cette personne n'a pas appris que vous avez un compte.",
    ],
    footer:
      'Quel que soit le nombre de tentatives, vous ne recevrez pas ce message de nouveau avant un moment.',
  },
  de: {
    subject: 'Jemand wollte Ihre Adresse registrieren',
    heading: 'Sie haben schon ein Konto',
    paragraphs: [
      'Jemand wollte gerade diese Adresse registrieren, deren Konto schon aktiv ist. Geändert wurde ' +
        'nichts: Ihr Passwort ist dasselbe wie vorher.',
      'Waren Sie das? Benutzen Sie Ihr Konto mit Ihrem Passwort.',
      'Waren Sie es nicht? Sie müssen nichts tun. Die Person hat nicht erfahren, dass Sie ein Konto haben.',
    ],
    footer: 'So oft es auch jemand versucht: Diese Mail bekommen Sie eine Weile lang nicht wieder.',
  },
  es: {
    subject: 'Alguien ha querido registrar su dirección',
    heading: 'Ya tiene una cuenta',
    paragraphs: [
      'Alguien acaba de querer registrar esta dirección, cuya cuenta ya está activa. No ha cambiado ' +
        'nada: su contraseña es la que tenía.',
      '¿Ha sido usted? Use su cuenta con su contraseña.',
      '¿No ha sido usted? No tiene que hacer nada. Esa persona no ha sabido que usted tiene una cuenta.',
    ],
    footer:
      'Por muchas veces que alguien lo intente, no recibirá este mensaje de nuevo durante un tiempo.',
  },
};
