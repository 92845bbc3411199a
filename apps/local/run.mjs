/** Runs one program of the product, built when needed: `node run.mjs <program below dist> [arguments]`. */
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildIfNeeded } from './build-if-needed.mjs';

const [node, , program, ...programArguments] = process.argv;
const path = fileURLToPath(new URL(`../../dist/${program}.js`, import.meta.url));
buildIfNeeded();
process.argv = [node, path, ...programArguments];
await import(pathToFileURL(path).href);
