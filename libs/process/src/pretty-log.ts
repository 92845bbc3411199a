import pretty from 'pino-pretty';

/** Synchronous stream for terminals: a crash must not swallow its own last lines. */
export function pinoPretty() {
  return pretty({
    sync: true,
    colorize: process.stdout.isTTY === true,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,hostname,process',
    singleLine: true,
  });
}
