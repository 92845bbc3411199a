import type { FastifyInstance } from 'fastify';
import type { ProblemType } from './problem.js';

/** Serves `/problems/<slug>`: the page a person sees who opens a problem's type. */
export function serveProblemPages(server: FastifyInstance, types: readonly ProblemType[]): void {
  const pages = new Map(types.map((type) => [type.slug, pageOf(type)]));
  const index = indexOf(types);
  server.get('/problems', (_request, reply) => reply.type('text/html; charset=utf-8').send(index));
  server.get<{ Params: { slug: string } }>('/problems/:slug', (request, reply) => {
    const page = pages.get(request.params.slug);
    if (page === undefined) return reply.callNotFound();
    return reply.type('text/html; charset=utf-8').send(page);
  });
}

function pageOf({ slug, status, title, explanation }: ProblemType): string {
  return html(title, `<p><code>${slug}</code>, status ${status}</p><p>${explanation}</p>`);
}

function indexOf(types: readonly ProblemType[]): string {
  const rows = types.map(
    ({ slug, status, title }) =>
      `<tr><td>${status}</td><td><a href="/problems/${slug}">${slug}</a></td><td>${title}</td></tr>`,
  );
  return html('Problems this service answers with', `<table>${rows.join('')}</table>`);
}

function html(title: string, body: string): string {
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title></head>` +
    `<body><h1>${title}</h1>${body}</body></html>`
  );
}
