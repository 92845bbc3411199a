/** `npm run demo`: one registration from beginning to end; builds when needed. */
import { buildIfNeeded } from './build-if-needed.mjs';

buildIfNeeded();
await import('../../dist/apps/local/src/demo/main.js');
