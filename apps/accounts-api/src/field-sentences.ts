import type { AddressFault, PasswordRule } from '@app/accounts';
import type { FieldError, FieldSentences, commonFieldCodes } from '@app/http-service';
import { preferredLanguage } from './accepted-language.js';

/** Those that the rules give beside English. */
const languages = ['fr', 'de', 'es'] as const;

/** What can be wrong with a field of a call of this API. Part of the contract: never changed. */
export type FieldCode =
  | (typeof commonFieldCodes)[number]
  | AddressFault
  | PasswordRule
  | 'malformed-code'
  | 'domain-not-admitted'
  | 'code-is-long'
  | 'code-is-short'
  | 'not-from-this-service'
  | 'not-a-provider-message';

/** In braces: a parameter of the fault. English stands with each rule. */
const sentences: Readonly<Record<FieldCode, Readonly<Record<(typeof languages)[number], string>>>> =
  {
    'invalid-value': {
      fr: 'Cette valeur n’est pas admise.',
      de: 'Dieser Wert ist nicht zulässig.',
      es: 'Este valor no está permitido.',
    },
    'wrong-type': {
      fr: 'Ce champ doit être un texte.',
      de: 'Dieses Feld muss ein Text sein.',
      es: 'Este campo debe ser un texto.',
    },
    'unknown-field': {
      fr: 'Ce champ est inconnu : retirez-le.',
      de: 'Dieses Feld ist unbekannt: Lassen Sie es weg.',
      es: 'Este campo no se conoce: quítelo.',
    },
    'not-an-object': {
      fr: 'Le corps doit être un objet JSON.',
      de: 'Der Inhalt muss ein JSON-Objekt sein.',
      es: 'El cuerpo debe ser un objeto JSON.',
    },
    'ambiguous-key': {
      fr: 'Cette clé n’est pas admise, ou figure deux fois.',
      de: 'Dieser Schlüssel ist nicht zulässig oder steht zweimal da.',
      es: 'Esta clave no está permitida o aparece dos veces.',
    },
    'malformed-body': {
      fr: 'Le corps n’est pas du JSON complet et bien formé en UTF-8.',
      de: 'Der Inhalt ist kein vollständiges, wohlgeformtes JSON in UTF-8.',
      es: 'El cuerpo no es JSON completo y bien formado en UTF-8.',
    },
    'malformed-request': {
      fr: 'La requête ne peut pas être comprise.',
      de: 'Die Anfrage ist nicht zu verstehen.',
      es: 'No se entiende la petición.',
    },
    'domain-not-admitted': {
      fr: 'Les adresses de ce domaine ne peuvent pas s’inscrire ; utilisez-en une autre.',
      de: 'Adressen dieser Domain können sich nicht registrieren; nehmen Sie eine andere.',
      es: 'Las direcciones de este dominio no pueden registrarse; use otra.',
    },
    empty: {
      fr: 'L’adresse e-mail est vide.',
      de: 'Die E-Mail-Adresse ist leer.',
      es: 'La dirección de correo está vacía.',
    },
    'address-too-long': {
      fr: 'L’adresse e-mail dépasse {maxOctets} octets.',
      de: 'Die E-Mail-Adresse ist länger als {maxOctets} Bytes.',
      es: 'La dirección de correo supera los {maxOctets} octetos.',
    },
    'unassigned-character': {
      fr: 'L’adresse e-mail contient un caractère qu’Unicode {unicodeVersion} ne connaît pas.',
      de: 'Die E-Mail-Adresse enthält ein Zeichen, das Unicode {unicodeVersion} nicht kennt.',
      es: 'La dirección de correo contiene un carácter que Unicode {unicodeVersion} no conoce.',
    },
    'invisible-character': {
      fr: 'L’adresse e-mail contient une espace, un caractère de contrôle ou un autre caractère invisible.',
      de: 'Die E-Mail-Adresse enthält ein Leerzeichen, ein Steuerzeichen oder ein anderes unsichtbares Zeichen.',
      es: 'La dirección de correo contiene un espacio, un carácter de control u otro carácter invisible.',
    },
    'not-one-at-sign': {
      fr: 'L’adresse e-mail doit contenir exactement un @.',
      de: 'Die E-Mail-Adresse muss genau ein @ enthalten.',
      es: 'La dirección de correo debe contener exactamente una @.',
    },
    'local-part-empty': {
      fr: 'Il n’y a rien devant le @.',
      de: 'Vor dem @ steht nichts.',
      es: 'No hay nada delante de la @.',
    },
    'local-part-too-long': {
      fr: 'La partie devant le @ dépasse {maxOctets} octets.',
      de: 'Der Teil vor dem @ ist länger als {maxOctets} Bytes.',
      es: 'La parte delante de la @ supera los {maxOctets} octetos.',
    },
    'local-part-special-character': {
      fr: 'La partie devant le @ contient un des caractères " ( ) , : ; < > [ ] \\, qui ne sont pas admis.',
      de: 'Der Teil vor dem @ enthält eines der Zeichen " ( ) , : ; < > [ ] \\, die nicht zulässig sind.',
      es: 'La parte delante de la @ contiene uno de los caracteres " ( ) , : ; < > [ ] \\, que no se admiten.',
    },
    'local-part-compatibility-character': {
      fr: 'La partie devant le @ contient une variante d’un autre caractère, par exemple une lettre pleine chasse : tapez le caractère simple.',
      de: 'Der Teil vor dem @ enthält eine Form eines anderen Zeichens, etwa einen vollbreiten Buchstaben: Tippen Sie das einfache.',
      es: 'La parte delante de la @ contiene una forma de otro carácter, como una letra de ancho completo: escriba el simple.',
    },
    'local-part-dots': {
      fr: 'La partie devant le @ ne doit ni commencer ni finir par un point, ni en avoir deux de suite.',
      de: 'Der Teil vor dem @ darf nicht mit einem Punkt beginnen oder enden und nicht zwei hintereinander haben.',
      es: 'La parte delante de la @ no debe empezar ni acabar con un punto, ni tener dos seguidos.',
    },
    'domain-empty': {
      fr: 'Il n’y a rien après le @.',
      de: 'Nach dem @ steht nichts.',
      es: 'No hay nada detrás de la @.',
    },
    'domain-not-a-host-name': {
      fr: 'La partie après le @ n’est pas un nom d’hôte : lettres, chiffres et traits d’union, séparés par un point.',
      de: 'Der Teil nach dem @ ist kein Rechnername: Buchstaben, Ziffern und Bindestriche, durch einzelne Punkte getrennt.',
      es: 'La parte detrás de la @ no es un nombre de servidor: letras, cifras y guiones, separados por un punto.',
    },
    'domain-without-dot': {
      fr: 'La partie après le @ doit contenir au moins un point, comme dans example.org.',
      de: 'Der Teil nach dem @ braucht mindestens einen Punkt, wie in example.org.',
      es: 'La parte detrás de la @ necesita al menos un punto, como en example.org.',
    },
    'well-formed': {
      fr: 'Le mot de passe n’est pas un texte Unicode bien formé.',
      de: 'Das Passwort ist kein wohlgeformter Unicode-Text.',
      es: 'La contraseña no es un texto Unicode bien formado.',
    },
    'no-control-characters': {
      fr: 'Le mot de passe ne doit pas contenir de caractères de contrôle.',
      de: 'Das Passwort darf keine Steuerzeichen enthalten.',
      es: 'La contraseña no debe contener caracteres de control.',
    },
    'min-length': {
      fr: 'Le mot de passe doit avoir au moins {minLength} caractères.',
      de: 'Das Passwort muss mindestens {minLength} Zeichen haben.',
      es: 'La contraseña debe tener al menos {minLength} caracteres.',
    },
    'max-length': {
      fr: 'Le mot de passe doit avoir au plus {maxLength} caractères.',
      de: 'Das Passwort darf höchstens {maxLength} Zeichen haben.',
      es: 'La contraseña debe tener como máximo {maxLength} caracteres.',
    },
    digit: {
      fr: 'Le mot de passe doit contenir un chiffre.',
      de: 'Das Passwort muss eine Ziffer enthalten.',
      es: 'La contraseña debe contener una cifra.',
    },
    'upper-case': {
      fr: 'Le mot de passe doit contenir une majuscule.',
      de: 'Das Passwort muss einen Großbuchstaben enthalten.',
      es: 'La contraseña debe contener una mayúscula.',
    },
    'lower-case': {
      fr: 'Le mot de passe doit contenir une minuscule.',
      de: 'Das Passwort muss einen Kleinbuchstaben enthalten.',
      es: 'La contraseña debe contener una minúscula.',
    },
    'special-character': {
      fr: 'Le mot de passe doit contenir un caractère qui n’est ni une lettre ni un chiffre.',
      de: 'Das Passwort muss ein Zeichen enthalten, das weder Buchstabe noch Ziffer ist.',
      es: 'La contraseña debe contener un carácter que no sea ni letra ni cifra.',
    },
    'not-the-address': {
      fr: 'Le mot de passe ne doit pas être fait d’une partie de l’adresse e-mail.',
      de: 'Das Passwort darf nicht aus einem Teil der E-Mail-Adresse bestehen.',
      es: 'La contraseña no debe estar hecha de una parte de la dirección de correo.',
    },
    'not-the-service': {
      fr: 'Le mot de passe ne doit pas contenir le nom du service.',
      de: 'Das Passwort darf den Namen des Dienstes nicht enthalten.',
      es: 'La contraseña no debe contener el nombre del servicio.',
    },
    'not-repeated': {
      fr: 'Le mot de passe répète les mêmes caractères. Utilisez-en davantage de différents.',
      de: 'Das Passwort wiederholt dieselben wenigen Zeichen. Nehmen Sie mehr verschiedene.',
      es: 'La contraseña repite los mismos caracteres. Use más caracteres distintos.',
    },
    'not-a-sequence': {
      fr: 'Les caractères du mot de passe se suivent dans l’ordre. Mélangez-les.',
      de: 'Die Zeichen des Passworts folgen der Reihe nach aufeinander. Mischen Sie sie.',
      es: 'Los caracteres de la contraseña se siguen en orden. Mézclelos.',
    },
    'not-a-keyboard-walk': {
      fr: 'Le mot de passe suit des touches voisines. Utilisez plutôt des mots sans lien entre eux.',
      de: 'Das Passwort folgt benachbarten Tasten. Nehmen Sie Wörter, die nicht zusammengehören.',
      es: 'La contraseña sigue teclas vecinas. Use palabras que no tengan relación entre sí.',
    },
    'not-a-date': {
      fr: 'Le mot de passe est une date. Utilisez plutôt des mots sans lien entre eux.',
      de: 'Das Passwort ist ein Datum. Nehmen Sie Wörter, die nicht zusammengehören.',
      es: 'La contraseña es una fecha. Use palabras que no tengan relación entre sí.',
    },
    'not-common': {
      fr: 'Beaucoup de gens utilisent ce mot de passe. Utilisez plutôt des mots sans lien entre eux.',
      de: 'Dieses Passwort benutzen viele Menschen. Nehmen Sie Wörter, die nicht zusammengehören.',
      es: 'Mucha gente usa esta contraseña. Use palabras que no tengan relación entre sí.',
    },
    'not-decorated': {
      fr: 'Le mot de passe est un ou deux mots courants avec des chiffres, des signes ou des lettres remplacées. Ajoutez des mots sans lien.',
      de: 'Das Passwort besteht aus ein oder zwei häufigen Wörtern mit Ziffern, Zeichen oder ersetzten Buchstaben. Fügen Sie Wörter hinzu, die nicht dazugehören.',
      es: 'La contraseña es una o dos palabras comunes con cifras, signos o letras cambiadas. Añada palabras sin relación.',
    },
    'malformed-code': {
      fr: 'Le code a 4 chiffres, par exemple « 0042 », ou 12 lettres et chiffres, par exemple « 7K3M-0QTZ-9HXW ».',
      de: 'Der Code hat 4 Ziffern, etwa „0042“, oder 12 Buchstaben und Ziffern, etwa „7K3M-0QTZ-9HXW“.',
      es: 'El código tiene 4 cifras, como «0042», o 12 letras y cifras, como «7K3M-0QTZ-9HXW».',
    },
    'code-is-long': {
      fr: 'Le nouveau code est long : 12 lettres et chiffres en trois groupes, voir le dernier e-mail.',
      de: 'Der neueste Code ist ein langer: 12 Buchstaben und Ziffern in drei Gruppen, siehe die neueste E-Mail.',
      es: 'El código más reciente es largo: 12 letras y cifras en tres grupos; vea el último correo.',
    },
    'code-is-short': {
      fr: 'Le nouveau code a 4 chiffres, voir le dernier e-mail.',
      de: 'Der neueste Code hat 4 Ziffern, siehe die neueste E-Mail.',
      es: 'El código más reciente tiene 4 cifras; vea el último correo.',
    },
    'not-from-this-service': {
      fr: 'Envoyez cet en-tête tel qu’une réponse antérieure de ce service l’avait, ou pas du tout.',
      de: 'Senden Sie diesen Header so, wie ihn eine frühere Antwort dieses Dienstes hatte, oder gar nicht.',
      es: 'Envíe esta cabecera como la tenía una respuesta anterior de este servicio, o no la envíe.',
    },
    'not-a-provider-message': {
      fr: 'Ce n’est pas ce que le fournisseur d’e-mail envoie ici.',
      de: 'Das ist nicht, was der E-Mail-Anbieter hierher sendet.',
      es: 'Esto no es lo que el proveedor de correo envía aquí.',
    },
  };

/** Of a problem whose members are such sentences. */
const titles: Readonly<Record<(typeof languages)[number], string>> = {
  fr: 'La requête n’est pas valable',
  de: 'Die Anfrage ist nicht gültig',
  es: 'La petición no es válida',
};

export const fieldCodes = Object.keys(sentences);

/** The sentences for what a caller reads; undefined for English, and where the header names none of our languages. */
export function fieldSentences(acceptLanguage: string | undefined): FieldSentences | undefined {
  const language = preferredLanguage(acceptLanguage, ['en', ...languages]);
  if (language === undefined || language === 'en') return undefined;
  return {
    language,
    title: titles[language],
    sentenceOf: ({ code, parameters }: FieldError) =>
      sentences[code as FieldCode]?.[language].replace(/\{(\w+)\}/g, (_, name: string) =>
        String(parameters?.[name]),
      ),
  };
}
