/** `npm run demo`: one registration told from beginning to end, built when needed. */
import { buildIfNeeded } from './build-if-needed.mjs';

buildIfNeeded();
await import('../../dist/apps/local/src/demo/main.js');
