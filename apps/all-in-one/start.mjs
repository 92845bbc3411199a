/** `npm start`: the whole product on this machine, built when needed. */
import { buildIfNeeded } from './build-if-needed.mjs';

buildIfNeeded();
await import('../../dist/apps/all-in-one/src/main.js');
