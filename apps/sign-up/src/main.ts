import {
  RegistrationClient,
  RegistrationProblem,
  RegistrationUnreachable,
} from '@app/registration-client';
import type { Credentials, ViewedAccount } from '@app/registration-client';
import { languageFor, say } from './messages.js';
import type { Language, MessageName } from './messages.js';

type Step = 'sign-up' | 'enter-code' | 'activated';
type Field = 'email' | 'password' | 'code';

/** Survives a reload of the page; the password does not. */
const ADDRESS = 'sign-up-address';
const LANGUAGE = 'sign-up-language';
/** Pause between two looks at a mail that is not on its way yet, in milliseconds. */
const LOOK_AGAIN_MS = 1_000;
/** A code lives so long; the API's clock, which is known by whole seconds only, may seem to leave it one more. */
const CODE_SECONDS = 60;
/** For texts that only keep the place of others. */
const WIDEST = { seconds: CODE_SECONDS, attempts: 3 };

const find = <Found extends HTMLElement>(selector: string) =>
  document.querySelector(selector) as Found;
const inputs: Readonly<Record<Field, HTMLInputElement>> = {
  email: find('#email'),
  password: find('#password'),
  code: find('#code'),
};
const picker = find<HTMLSelectElement>('#language');
const resend = find<HTMLButtonElement>('#resend');
const seconds = find('#seconds');
const settingOf = (name: string) => find<HTMLMetaElement>(`meta[name=${name}]`).content;
const api = settingOf('registration-api');
/** The three providers understand the names of reCAPTCHA: this global, a class and a field. */
declare const grecaptcha: { reset?: () => void } | undefined;

let language: Language = languageFor([
  localStorage.getItem(LANGUAGE) ?? '',
  ...navigator.languages,
]);
let client = newClient();
let credentials: Credentials = { email: '', password: '' };
/** Ends the countdowns and waits of the step that is left. */
let watching = new AbortController();
let isBusy = false;
/** What the status line says; said again in another language. */
let progress: MessageName = 'sending';

picker.addEventListener('change', () => {
  language = picker.value as Language;
  localStorage.setItem(LANGUAGE, language);
  client = newClient();
  translate();
  forgetFaults();
});
find('#sign-up form').addEventListener('submit', (event) => {
  event.preventDefault();
  const isRegistering =
    ((event as SubmitEvent).submitter as HTMLButtonElement).value === 'register';
  void once(() => signUp(isRegistering));
});
find('#enter-code form').addEventListener('submit', (event) => {
  event.preventDefault();
  void once(activate);
});
resend.addEventListener('click', () => void once(requestCode));
find('#letters').addEventListener('click', () => {
  inputs.code.inputMode = 'text';
  inputs.code.focus();
});
find('#again').addEventListener('click', () => {
  sessionStorage.removeItem(ADDRESS);
  show('sign-up');
});
inputs.email.value = sessionStorage.getItem(ADDRESS) ?? '';
translate();
showCaptcha();

async function signUp(isRegistering: boolean): Promise<void> {
  credentials = { email: inputs.email.value.trim(), password: inputs.password.value };
  if (isRegistering) await register();
  else if ((await client.account(credentials)).status === 'active') return welcome();
  sessionStorage.setItem(ADDRESS, credentials.email);
  show('enter-code');
  void watch();
}

async function register(): Promise<void> {
  const field = document.querySelector<HTMLInputElement>('[name=g-recaptcha-response]');
  try {
    await client.register({ ...credentials, ...(field?.value && { captchaToken: field.value }) });
  } finally {
    // A token is good for one call.
    if (field) grecaptcha?.reset?.();
  }
}

/** Where the operator has one: its script draws the widget, and puts a token into the form. */
function showCaptcha(): void {
  const source = settingOf('captcha-script');
  if (source === '') return;
  const place = find('.g-recaptcha');
  place.dataset['sitekey'] = settingOf('captcha-site-key');
  place.hidden = false;
  const script = document.createElement('script');
  script.src = source;
  script.onerror = () => showFault(undefined, say(language, 'noCaptcha'));
  document.head.append(script);
}

async function activate(): Promise<void> {
  const code = inputs.code.value.trim();
  if (code === '') return showFault('code', say(language, 'codeMissing'));
  await client.activate(credentials, code);
  welcome();
}

async function requestCode(): Promise<void> {
  await client.requestCode(credentials);
  inputs.code.value = '';
  inputs.code.focus();
  void watch();
}

function welcome(): void {
  sessionStorage.removeItem(ADDRESS);
  show('activated');
}

/** Follows the newest code until it has expired, is not to be delivered, or the step is left. */
async function watch(): Promise<void> {
  watching.abort();
  watching = new AbortController();
  const { signal } = watching;
  seconds.hidden = true;
  setProgress('sending');
  resend.hidden = true;
  try {
    let account = await client.account(credentials, { signal });
    while (account.activation?.codeState === 'issued') {
      allowResend(account, signal);
      account = await client.account(credentials, { wait: 'sent', signal });
      if (account.activation?.codeState === 'issued') setProgress('slow');
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
      if (signal.aborted) return;
    }
    if (account.status === 'active') return welcome();
    allowResend(account, signal);
    await countDown(account, signal);
  } catch (error) {
    if (!signal.aborted) explain(error);
  }
}

async function countDown({ activation }: ViewedAccount, signal: AbortSignal): Promise<void> {
  if (activation?.codeState === 'undeliverable') return setProgress('undeliverable');
  if (!activation?.codeExpiresAt) return setProgress('noCode');
  setProgress('sent');
  seconds.hidden = false;
  await client.countdown(
    activation.codeExpiresAt,
    (left) => {
      seconds.textContent = say(language, 'secondsLeft', { seconds: Math.min(left, CODE_SECONDS) });
    },
    signal,
  );
  if (signal.aborted) return;
  seconds.hidden = true;
  setProgress('expired');
}

function allowResend({ activation }: ViewedAccount, signal: AbortSignal): void {
  resend.hidden = false;
  const allowedAt = activation?.newCodeAllowedAt ?? new Date(0).toISOString();
  void client.countdown(allowedAt, showResend, signal);
}

function showResend(left: number): void {
  resend.setAttribute('aria-disabled', String(left > 0));
  find('#resend-text').textContent =
    left > 0 ? say(language, 'resendIn', { seconds: left }) : say(language, 'resend');
}

/** One call at a time: a double click is one click. */
async function once(call: () => Promise<void>): Promise<void> {
  if (isBusy) return;
  if (document.activeElement === resend && resend.ariaDisabled === 'true') return;
  isBusy = true;
  document.body.ariaBusy = 'true';
  forgetFaults();
  try {
    await call();
  } catch (error) {
    explain(error);
  } finally {
    isBusy = false;
    document.body.ariaBusy = 'false';
  }
}

function explain(error: unknown): void {
  if (error instanceof RegistrationUnreachable)
    return showFault(undefined, say(language, 'unreachable'));
  if (!(error instanceof RegistrationProblem)) throw error;
  const { kind, document: problem } = error;
  if (kind === 'captcha-not-passed') return showFault(undefined, say(language, 'captcha'));
  if (kind === 'unauthenticated') return showFault(undefined, say(language, 'wrongPassword'));
  if (kind === 'activation-code-incorrect' && problem.attemptsLeft !== undefined) {
    return showFault('code', say(language, 'attemptsLeft', { attempts: problem.attemptsLeft }));
  }
  const ofFields = (problem.errors ?? []).filter(({ field }) => field in inputs);
  for (const { field, message } of ofFields.toReversed()) showFault(field as Field, message);
  if (ofFields.length === 0) showFault(undefined, problem.detail);
}

/** Bound to its field, which gets the focus, or of the whole step. */
function showFault(field: Field | undefined, text: string): void {
  const place = field ? find(`#${field}-fault`) : find(`section:not([hidden]) > .fault`);
  place.textContent = text;
  place.hidden = false;
  if (!field) return place.scrollIntoView({ block: 'nearest' });
  inputs[field].setAttribute('aria-invalid', 'true');
  inputs[field].focus();
  inputs[field].select();
}

function forgetFaults(): void {
  for (const place of document.querySelectorAll<HTMLElement>('.fault, .field-fault:not(.room)')) {
    place.hidden = true;
    place.textContent = '';
  }
  for (const input of Object.values(inputs)) input.removeAttribute('aria-invalid');
}

function show(step: Step): void {
  if (step !== 'enter-code') watching.abort();
  forgetFaults();
  for (const section of document.querySelectorAll('section')) section.hidden = section.id !== step;
  inputs.code.value = '';
  translate();
  find(`#${step} h1`).focus();
}

function setProgress(name: MessageName): void {
  progress = name;
  find('#progress').textContent = say(language, name);
}

function translate(): void {
  document.documentElement.lang = language;
  picker.value = language;
  for (const place of document.querySelectorAll<HTMLElement>('[data-text]')) {
    place.textContent = say(language, place.dataset['text'] as MessageName, WIDEST);
  }
  document.title = find('section:not([hidden]) h1').textContent;
  find('#mailed').textContent = say(language, 'mailed', { email: credentials.email });
  find('#welcome').textContent = say(language, 'welcome', { email: credentials.email });
  setProgress(progress);
}

function newClient(): RegistrationClient {
  return new RegistrationClient({ url: api, language });
}
