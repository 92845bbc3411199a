/**
 * `npm run test:browser`: plays persons at the sign-up page of `npm start`, in real Chromium at the width of a phone, and
 * looks at the other pages for people.
 *
 * Needs Chromium: Debian's `chromium`, or the program that CHROMIUM names. `SCREENSHOTS=folder` keeps pictures of
 * each page, light and dark. Installs packages of its own. The last line of the output is `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { buildIfNeeded } from '../../apps/local/build-if-needed.mjs';
import { countedCheck as check, endChecks } from '../support/counted-checks.mjs';
import { installPackages, startProduct } from '../support/started-for-judges.mjs';

const PATIENCE_MS = 20_000;
const RESEND_SECONDS = 3;
const PASSWORD = 'korrektes Pferd 🐎';
const WIDTH = 390;
const { SCREENSHOTS } = process.env;

/** Someone with a phone and an address that is not in use yet. */
class Person {
  static #number = 0;

  constructor(context, page, email) {
    this.context = context;
    this.page = page;
    this.email = email;
  }

  static async arrive({
    scheme = 'light',
    language = 'en',
    page: url = product.endpoints().signUp,
    width = WIDTH,
    textSize = '100%',
  } = {}) {
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    // Several people are at their pages at a time, and each has the focus.
    await page.emulateFocusedPage(true);
    await page.setViewport({ width, height: 844, isMobile: true, hasTouch: true });
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    await page.evaluateOnNewDocument(
      `Object.defineProperty(navigator, 'languages', { get: () => ['${language}-XX', 'en'] })`,
    );
    const person = new Person(context, page, `person${(Person.#number += 1)}@example.org`);
    page.on('pageerror', (error) => check(`an error of the page: ${error.message}`, false));
    page.on('dialog', () => check('a dialog opened', false));
    page.on('console', (message) => {
      if (/Content Security Policy/.test(message.text())) check(message.text(), false);
    });
    await page.goto(url);
    await page.$eval('html', (html, size) => (html.style.fontSize = size), textSize);
    return person;
  }

  /** @returns says what the page showed meanwhile, and the places of the buttons that had more than one */
  async watchesButtons() {
    await this.page.evaluate(() => {
      const texts = new Set();
      const places = {};
      window.watched = { texts, places };
      const look = () => {
        for (const button of document.querySelectorAll('button')) {
          if (!button.checkVisibility({ visibilityProperty: true })) continue;
          const { offsetLeft, offsetTop, offsetWidth, offsetHeight } = button;
          const box = [offsetLeft, offsetTop, offsetWidth, offsetHeight].join();
          (places[button.id || button.dataset.text] ??= new Set()).add(box);
        }
        for (const text of document.querySelector('main').innerText.split('\n')) texts.add(text);
        requestAnimationFrame(look);
      };
      look();
    });
    return () =>
      this.page.evaluate(() => ({
        texts: [...window.watched.texts],
        moved: Object.entries(window.watched.places).flatMap(([name, places]) =>
          places.size > 1 ? [`${name}: ${[...places].join(' → ')}`] : [],
        ),
      }));
  }

  leave() {
    return this.context.close();
  }

  async registers() {
    await this.types('#email', this.email);
    await this.types('#password', PASSWORD);
    await this.clicks('[value=register]');
  }

  async types(selector, text) {
    await this.page.$eval(selector, (input) => (input.value = ''));
    await this.page.type(selector, text);
  }

  /** As from the clipboard, in one piece. */
  pastes(text) {
    return this.page.$eval(
      '#code',
      (input, all) => {
        input.focus();
        document.execCommand('insertText', false, all);
      },
      text,
    );
  }

  clicks(selector) {
    return this.page.locator(selector).setTimeout(PATIENCE_MS).click();
  }

  canClick(selector) {
    return this.page.waitForSelector(`${selector}[aria-disabled=false]`, { timeout: PATIENCE_MS });
  }

  /** Waits until the words are to be seen. */
  async sees(words, selector = 'main', timeout = PATIENCE_MS) {
    await this.page
      .waitForFunction(
        (wanted, place) =>
          [...document.querySelectorAll(place)].some(
            (element) => element.checkVisibility() && element.innerText.includes(wanted),
          ),
        { timeout },
        words,
        selector,
      )
      .catch(async () => {
        throw new Error(`"${words}" is not to be seen in: ${await this.text('main')}`);
      });
  }

  text(selector) {
    return this.page.$eval(selector, (element) => element.innerText);
  }

  value(selector) {
    return this.page.$eval(selector, (input) => input.value);
  }

  attribute(selector, name) {
    return this.page.$eval(selector, (element, wanted) => element.getAttribute(wanted), name);
  }

  isHidden(selector) {
    return this.page.$eval(selector, (element) => !element.checkVisibility());
  }

  hasFocus(selector) {
    return this.page.$eval(selector, (element) => element === document.activeElement);
  }

  countPosts() {
    let posts = 0;
    this.page.on('request', (request) => (posts += request.method() === 'POST' ? 1 : 0));
    return () => posts;
  }

  /** Rules of WCAG 2.2 AA that a program can check, and that nothing is wider than the phone. */
  async looks(axe, name) {
    await this.page.evaluate(axe);
    const { violations } = await this.page.evaluate(
      "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })",
    );
    const found = violations.map(
      ({ id, nodes }) => `${id} ${nodes.map(({ html }) => html).join(' ')}`,
    );
    check(`${name}: axe finds nothing`, violations.length === 0, found.join('\n'));
    const width = await this.page.evaluate('document.documentElement.scrollWidth');
    check(`${name}: fits the phone`, width <= WIDTH, width);
    if (SCREENSHOTS) await this.page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
  }

  async mails() {
    const { mailbox } = product.endpoints();
    const answer = await fetch(`${mailbox}/emails?to=${encodeURIComponent(this.email)}`);
    return (await answer.json()).data;
  }

  /** The newest code, once so many mails have come. The answer comes at the beat: the mail may be there before it. */
  async mailedCode(mails = 1) {
    await this.page.waitForSelector('#enter-code', { visible: true, timeout: PATIENCE_MS });
    for (const began = Date.now(); Date.now() - began < PATIENCE_MS; await pause(50)) {
      const all = await this.mails();
      if (all.length >= mails) return /\b\d{4}\b/.exec(all[0].text)?.[0];
    }
    throw new Error(`${mails} mails did not come to ${this.email}`);
  }

  async accountStatus() {
    const basic = Buffer.from(`${this.email}:${PASSWORD}`).toString('base64');
    const answer = await fetch(`${product.endpoints().api}/v1/account`, {
      headers: { Authorization: `Basic ${basic}` },
    });
    return (await answer.json()).status;
  }
}

buildIfNeeded();
const folder = mkdtempSync(join(tmpdir(), 'browser-'));
let product;
let browser;
try {
  const [isInstalled, started] = await Promise.allSettled([
    installPackages(import.meta.dirname),
    startProduct(join(folder, 'data'), { CODE_RESEND_SECONDS: String(RESEND_SECONDS) }),
  ]);
  product = started.value;
  check('npm ci', isInstalled.value);
  if (started.reason) throw started.reason;
  const require = createRequire(import.meta.url);
  const { default: puppeteer } = await import('puppeteer-core');
  const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
  browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    // As root, as in CI, its sandbox does not start; the only pages it opens are ours.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
  if (SCREENSHOTS) mkdirSync(SCREENSHOTS, { recursive: true });
  // A code lives for a minute: those who let it expire wait beside the others.
  const late = story('a code expires', () => expires(axe));
  // Has a product of its own, whose start is waited for beside the others.
  const guarded = story('a captcha', () => captcha(axe));
  await story('sign-up, light', () => signsUp(axe, 'light'));
  // Nobody else waits for a mail of the same product meanwhile.
  await story('the provider is down', providerDown);
  await Promise.all([
    late,
    guarded,
    inTurn({
      'sign-up, dark': () => signsUp(axe, 'dark'),
      'wrong input and wrong codes': () => mistakes(axe),
      'large text': () => stays({ width: 320, textSize: '200%' }),
      'pages, light': () => otherPages(axe, 'light'),
    }),
    inTurn({
      'the API is away': apiAway,
      'a double click': doubleClick,
      'a reload': reload,
      'four languages': speaks,
      'the keyboard alone': keyboard,
      'the inbox': inbox,
      'pages, dark': () => otherPages(axe, 'dark'),
    }),
  ]);
} catch (error) {
  check(error.stack, false);
} finally {
  await browser?.close();
  await product?.stop();
  rmSync(folder, { recursive: true, force: true });
}
endChecks();

async function inTurn(stories) {
  for (const [name, play] of Object.entries(stories)) await story(name, play);
}

async function story(name, play) {
  try {
    await play();
  } catch (error) {
    check(`${name}: ${error.message}`, false);
  }
}

async function signsUp(axe, scheme) {
  const person = await Person.arrive({ scheme });
  await person.looks(axe, `sign-up-${scheme}`);
  await person.registers();
  await person.sees('The mail is on its way');
  await person.looks(axe, `code-${scheme}`);
  await person.pastes(` ${await person.mailedCode()}\n`);
  await person.clicks('#enter-code [type=submit]');
  await person.sees('Your account is active');
  await person.looks(axe, `activated-${scheme}`);
  check(`${scheme}: the account is active`, (await person.accountStatus()) === 'active');
  await person.leave();
}

/** While a code runs, nothing that a person is about to press moves away, whatever the page says. */
async function stays(eyes) {
  const person = await Person.arrive(eyes);
  const seen = await person.watchesButtons();
  await person.registers();
  const code = await person.mailedCode();
  await person.sees(' s', '#seconds');
  await person.clicks('#enter-code [type=submit]');
  await person.sees('Enter the code', '#code-fault');
  await person.types('#code', code === '0000' ? '1111' : '0000');
  await person.clicks('#enter-code [type=submit]');
  await person.sees('Tries left: 2', '#code-fault');
  await person.canClick('#resend');
  await person.clicks('#resend');
  await person.mailedCode(2);
  await person.sees(' s', '#seconds');
  const { texts, moved } = await seen();
  const isWhole =
    texts.includes('The mail is being sent …') && texts.some((text) => / s$/.test(text));
  check('before the countdown and with it', isWhole, texts.join(' | '));
  check(
    `no button moved, at ${Object.values(eyes).join(' and ')}`,
    moved.length === 0,
    moved.join('\n'),
  );
  await person.leave();
}

async function mistakes(axe) {
  const person = await Person.arrive();
  await person.types('#email', 'ada');
  await person.types('#password', 'x');
  await person.clicks('[value=register]');
  await person.sees('@', '#email-fault');
  check('a fault is said at its field, which has the focus', await person.hasFocus('#email'));
  check('and is bound to it', (await person.attribute('#email', 'aria-invalid')) === 'true');
  await person.types('#email', person.email);
  await person.clicks('[value=register]');
  await person.sees('8', '#password-fault');
  check('a mended field has no fault any more', await person.isHidden('#email-fault'));
  await person.looks(axe, 'fault');
  await person.types('#password', PASSWORD);
  await person.clicks('[value=register]');
  const code = await person.mailedCode();
  await person.clicks('#enter-code [type=submit]');
  await person.sees('Enter the code', '#code-fault');
  await person.types('#code', code === '0000' ? '1111' : '0000');
  await person.clicks('#enter-code [type=submit]');
  await person.sees('Tries left: 2', '#code-fault');
  await person.sees('Send a new code', '#resend');
  await person.canClick('#resend');
  await person.clicks('#resend');
  const next = await person.mailedCode(2);
  await person.types('#code', next);
  await person.clicks('#enter-code [type=submit]');
  await person.sees('Your account is active');
  check('a new code after a wrong one activates', true);
  await person.leave();

  const other = await Person.arrive();
  await other.types('#email', person.email);
  await other.types('#password', 'not the password');
  await other.clicks('[value=continue]');
  await other.sees('do not match', '#sign-up .fault');
  check('a wrong password is said in the page, and no login box opens', true);
  await other.leave();
}

async function expires(axe) {
  const person = await Person.arrive();
  const seen = await person.watchesButtons();
  await person.registers();
  await person.sees(' s', '#seconds');
  const before = Number.parseInt(await person.text('#seconds'), 10);
  check('the countdown begins with the minute', before > 40 && before <= 60, before);
  await person.sees('has expired', '#progress', 70_000);
  await person.looks(axe, 'expired');
  await person.types('#code', await person.mailedCode());
  await person.clicks('#enter-code [type=submit]');
  await person.sees('', '#enter-code .fault:not([hidden])');
  check('a code that has expired is refused with a sentence', true);
  const { moved } = await seen();
  check(
    'no button moved before, with and after the countdown',
    moved.length === 0,
    moved.join('\n'),
  );
  await person.clicks('#resend');
  await person.types('#code', await person.mailedCode(2));
  await person.clicks('#enter-code [type=submit]');
  await person.sees('Your account is active');
  check('a new code after an expired one activates', true);
  await person.leave();
}

async function doubleClick() {
  const person = await Person.arrive();
  await person.types('#email', person.email);
  await person.types('#password', PASSWORD);
  const posts = person.countPosts();
  await person.page.click('[value=register]', { count: 2 });
  const code = await person.mailedCode();
  check('a double click registers once', posts() === 1, posts());
  await person.types('#code', code);
  await person.page.click('#enter-code [type=submit]', { count: 2 });
  await person.sees('Your account is active');
  check('a double click activates once', posts() === 2, posts());
  await person.leave();
}

async function reload() {
  const person = await Person.arrive();
  await person.registers();
  const code = await person.mailedCode();
  await person.page.reload();
  check('after a reload the address is there', (await person.value('#email')) === person.email);
  check('and the password is not', (await person.value('#password')) === '');
  await person.types('#password', PASSWORD);
  await person.clicks('[value=continue]');
  await person.sees('The mail is on its way');
  await person.types('#code', code);
  await person.clicks('#enter-code [type=submit]');
  await person.sees('Your account is active');
  check('who reloads goes on with the code in the inbox', true);
  await person.leave();
}

async function speaks() {
  for (const [language, title, password] of [
    ['fr', "S'inscrire", 'caractères'],
    ['de', 'Registrieren', 'Zeichen'],
    ['es', 'Registrarse', 'caracteres'],
  ]) {
    const person = await Person.arrive({ language });
    await person.sees(title);
    await person.types('#email', person.email);
    await person.types('#password', 'x');
    await person.clicks('[value=register]');
    await person.sees(password, '#password-fault');
    const isSaid = (await person.page.evaluate('document.documentElement.lang')) === language;
    check(`${language}: page and faults`, isSaid);
    await person.leave();
  }
  const person = await Person.arrive();
  await person.page.select('#language', 'de');
  await person.sees('Registrieren');
  await person.registers();
  await person.sees('Die Mail ist unterwegs');
  const [mail] = await person.mails();
  check(
    'the mail is in the language of the page',
    /Code/.test(mail.text) && /Minute/.test(mail.text),
    mail.text,
  );
  await person.leave();
}

async function keyboard() {
  const person = await Person.arrive();
  const { keyboard: keys } = person.page;
  await person.page.focus('#email');
  await keys.type(person.email);
  await keys.press('Tab');
  await keys.type(PASSWORD);
  await keys.press('Enter');
  const code = await person.mailedCode();
  check('the next step has the focus', await person.hasFocus('#enter-code h1'));
  await keys.press('Tab');
  await keys.type(code);
  await keys.press('Enter');
  await person.sees('Your account is active');
  check('the keyboard is enough', true);
  await person.leave();
}

async function providerDown() {
  await faults({ failAlways: { status: 503 } });
  const person = await Person.arrive();
  await person.registers();
  await person.sees('longer than usual', '#progress');
  await faults({});
  await person.sees('The mail is on its way', '#progress', 40_000);
  await person.types('#code', await person.mailedCode());
  await person.clicks('#enter-code [type=submit]');
  await person.sees('Your account is active');
  check('while the provider is down the page says so, and goes on by itself', true);
  await person.leave();
}

async function apiAway() {
  const person = await Person.arrive();
  await person.types('#email', person.email);
  await person.types('#password', PASSWORD);
  await person.page.setOfflineMode(true);
  await person.clicks('[value=register]');
  await person.sees('cannot be reached', '#sign-up .fault');
  await person.page.setOfflineMode(false);
  await person.clicks('[value=register]');
  await person.sees('The mail is on its way');
  check('without a network the page says so, and a second try succeeds', true);
  await person.leave();
}

/** A provider of captchas whose box is ticked by a click, at an origin of its own. */
function captchaProvider() {
  const given = new Set();
  const script = `
    const place = document.querySelector('.g-recaptcha');
    const draw = () => {
      place.innerHTML = '<button type="button" id="person">I am a person</button>' +
        '<textarea name="g-recaptcha-response" hidden></textarea>';
      place.firstChild.onclick = () => fetch(new URL('/token?' + place.dataset.sitekey, '$ORIGIN'))
        .then((answer) => answer.text())
        .then((token) => { place.lastChild.value = token; place.firstChild.textContent = 'ticked'; });
    };
    window.grecaptcha = { reset: draw };
    draw();`;
  const server = createServer(async (request, response) => {
    const origin = `http://${request.headers.host}`;
    response.setHeader('Access-Control-Allow-Origin', '*');
    if (request.url === '/api.js') return response.end(script.replace('$ORIGIN', origin));
    if (request.url === '/token?site-1') {
      const token = randomUUID();
      given.add(token);
      return response.end(token);
    }
    const form = new URLSearchParams(await text(request));
    const success = form.get('secret') === 'secret-1' && given.delete(form.get('response'));
    response.end(JSON.stringify({ success }));
  });
  return server.listen(0, '127.0.0.1');
}

/** Against a product of its own: the others have none. */
async function captcha(axe) {
  const provider = captchaProvider();
  await once(provider, 'listening');
  const origin = `http://127.0.0.1:${provider.address().port}`;
  const guarded = await startProduct(join(folder, 'captcha'), {
    CAPTCHA_VERIFY_URL: `${origin}/siteverify`,
    CAPTCHA_SECRET: 'secret-1',
    CAPTCHA_SCRIPT_URL: `${origin}/api.js`,
    CAPTCHA_SITE_KEY: 'site-1',
  });
  try {
    const person = await Person.arrive({ page: guarded.endpoints().signUp });
    await person.sees('I am a person', '#person');
    await person.looks(axe, 'captcha');
    await person.registers();
    await person.sees('Show that you are a person', '#sign-up > .fault');
    check('without a captcha nobody registers, and the page says why', true);
    await person.clicks('#person');
    await person.sees('ticked', '#person');
    await person.types('#password', 'x');
    await person.clicks('[value=register]');
    await person.sees('8', '#password-fault');
    await person.sees('I am a person', '#person');
    check('a token that may be spent is not sent again', true);
    await person.clicks('#person');
    await person.sees('ticked', '#person');
    await person.types('#password', PASSWORD);
    await person.clicks('[value=register]');
    await person.sees('The mail is on its way');
    check('with a captcha a person registers', true);
    await person.leave();
  } finally {
    await guarded.stop();
    provider.close();
    provider.closeAllConnections();
  }
}

/** Which code of the inbox is alive, and how long. */
async function inbox() {
  const person = await Person.arrive();
  await person.registers();
  const code = await person.mailedCode();
  const reader = await Person.arrive();
  await reader.page.goto(`${product.endpoints().mailbox}/?to=${person.email}`);
  await reader.sees(' s left', '[data-until]');
  const seconds = async () => Number.parseInt(await reader.text('[data-until]'), 10);
  const first = await seconds();
  check('the inbox shows the seconds of a code', first > 40 && first <= 60, first);
  await reader.page.waitForFunction(
    `parseInt(document.querySelector('[data-until]').textContent, 10) < ${first}`,
    { timeout: PATIENCE_MS },
  );
  await person.canClick('#resend');
  await person.clicks('#resend');
  await person.mailedCode(2);
  await reader.sees(code, '.dead');
  await reader.sees('replaced', '.mails li:last-child .state');
  check('a new code takes its place, and the seconds begin anew', (await seconds()) > first - 10);
  await reader.leave();
  await person.leave();
}

async function otherPages(axe, scheme) {
  const person = await Person.arrive({ scheme });
  await person.registers();
  await person.mailedCode();
  const [{ id }] = await person.mails();
  const { api, mailbox } = product.endpoints();
  const preview = join(folder, 'preview');
  await runPreview(preview);
  for (const [name, url] of [
    ['api', api],
    ['problems', `${api}/problems`],
    ['problem', `${api}/problems/activation-code-incorrect`],
    ['inbox', mailbox],
    ['message', `${mailbox}/messages/${id}`],
    ['missing-message', `${mailbox}/messages/none`],
    ['mail-preview', pathToFileURL(join(preview, 'index.html')).href],
  ]) {
    await person.page.goto(url);
    await person.looks(axe, `${name}-${scheme}`);
  }
  await person.leave();
}

async function runPreview(place) {
  const script = join(import.meta.dirname, '../../dist/apps/accounts-worker/src/preview-mails.js');
  const [code] = await once(spawn(process.execPath, [script, place], { stdio: 'ignore' }), 'exit');
  check('mail:preview', code === 0);
}

function faults(switches) {
  return fetch(`${product.endpoints().mailbox}/faults`, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(switches),
  });
}
