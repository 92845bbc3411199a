/** `npm start`: the whole product on this machine, built when needed. */
import { buildIfNeeded } from './build-if-needed.mjs';

buildIfNeeded();
await import('../../dist/apps/local/src/launcher/main.js');
