import type { Mail } from './mail-sender.js';

/**
 * The mail that carries a code. The code is the only run of four digits in the text, so that people and
 * programs find it at once.
 *
 * @param address as the person typed it
 * @param code 4 digits
 * @param ttlMs how long the code is accepted, in milliseconds
 */
export function activationMail(address: string, code: string, ttlMs: number): Mail {
  const time = inWords(ttlMs);
  return {
    to: address,
    subject: 'Your activation code',
    text:
      `Your activation code is ${code}\n\n` +
      `Enter it within ${time}. A code that arrives late can be replaced: ask for a new one.\n\n` +
      'If you did not register with us, ignore this message: without the code nothing happens.\n',
    html:
      '<!doctype html><html lang="en"><body style="font-family:sans-serif;color:#1a1a1a">' +
      '<p>Your activation code is</p>' +
      `<p style="font-size:32px;font-weight:bold;letter-spacing:8px">${code}</p>` +
      `<p>Enter it within ${time}. A code that arrives late can be replaced: ask for a new one.</p>` +
      '<p style="color:#666">If you did not register with us, ignore this message: ' +
      'without the code nothing happens.</p></body></html>',
  };
}

function inWords(ttlMs: number): string {
  const seconds = Math.round(ttlMs / 1_000);
  if (seconds === 60) return 'one minute';
  return seconds % 60 === 0 ? `${seconds / 60} minutes` : `${seconds} seconds`;
}
