import type { FastifyInstance, FastifyReply } from 'fastify';
import { htmlPage, pagePolicy } from './html-page.js';
import type { ProblemType } from './problem.js';

/** Serves `/problems/<slug>`: the page a person sees who opens a problem's type. */
export function serveProblemPages(server: FastifyInstance, types: readonly ProblemType[]): void {
  const pages = new Map(types.map((type) => [type.slug, pageOf(type)]));
  const index = indexOf(types);
  server.get('/problems', (_request, reply) => sendPage(reply, index));
  server.get<{ Params: { slug: string } }>('/problems/:slug', (request, reply) => {
    const page = pages.get(request.params.slug);
    if (page === undefined) return reply.callNotFound();
    return sendPage(reply, page);
  });
}

const POLICY = Object.entries(pagePolicy())
  .map(([directive, sources]) => `${directive} ${sources.join(' ')}`)
  .join('; ');

/** Answers a page of `htmlPage` that has no style or script of its own. */
export function sendPage(reply: FastifyReply, page: string): FastifyReply {
  return reply
    .type('text/html; charset=utf-8')
    .header('Content-Security-Policy', POLICY)
    .send(page);
}

function pageOf({ slug, status, title, explanation }: ProblemType): string {
  const body =
    `<h1>${title}</h1><p class="soft"><code>${slug}</code>, status ${status}</p><p>${explanation}</p>` +
    '<p><a href="../problems">All problems</a></p>';
  return htmlPage({ title, body: `<main>${body}</main>` });
}

function indexOf(types: readonly ProblemType[]): string {
  const rows = types.map(
    ({ slug, status, title }) =>
      `<li><a href="/problems/${slug}">${slug}</a> <span class="soft">${status}</span><br>${title}</li>`,
  );
  const title = 'Problems this service answers with';
  const body = `<main><h1>${title}</h1><ul class="rows">${rows.join('')}</ul></main>`;
  return htmlPage({ title, body });
}
