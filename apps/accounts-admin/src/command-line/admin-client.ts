import type { Connection } from './connection.js';

export type Json = Readonly<Record<string, unknown>>;

/** The admin API answered with a problem document. */
export class ProblemAnswer extends Error {
  override readonly name = 'ProblemAnswer';

  constructor(
    readonly status: number,
    readonly problem: Json,
  ) {
    super(String(problem['detail'] ?? problem['title'] ?? `the answer was ${status}`));
  }
}

/** No process answers at the URL. */
export class NotReachable extends Error {
  override readonly name = 'NotReachable';

  constructor(url: string, cause: unknown) {
    super(`No process answers at ${url}. Is the product running?`, { cause });
  }
}

export interface AnswerLine {
  /** Without the line end. */
  readonly text: string;
  readonly content: Json;
}

export type QueryValues = Readonly<Record<string, string | undefined>>;

const NDJSON = 'application/x-ndjson';

/** The admin API over HTTP. */
export class AdminClient {
  constructor(private readonly connection: Connection) {}

  /** @throws ProblemAnswer, NotReachable */
  async call(method: string, path: string, query: QueryValues = {}, body?: Json): Promise<Json> {
    const response = await this.fetch(method, path, query, 'application/json', body);
    return (await response.json()) as Json;
  }

  /**
   * Every line, the one that says how it ended among them.
   *
   * @throws ProblemAnswer, NotReachable
   * @throws Error after the last line: what came before is not all
   */
  async *lines(path: string, query: QueryValues): AsyncGenerator<AnswerLine> {
    const response = await this.fetch('GET', path, query, NDJSON);
    for await (const text of linesOf(response)) {
      const content = JSON.parse(text) as Json;
      yield { text, content };
      if ('end' in content) return;
      if ('error' in content) {
        throw new Error(String((content['error'] as Json)['title']));
      }
    }
    throw new Error('The connection was lost before the answer had ended.');
  }

  private async fetch(
    method: string,
    path: string,
    query: QueryValues,
    accept: string,
    body?: Json,
  ): Promise<Response> {
    const { url, key } = this.connection;
    const target = new URL(`/admin/v1${path}`, url);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) target.searchParams.set(name, value);
    }
    const response = await fetch(target, {
      method,
      headers: {
        Authorization: `Bearer ${key}`,
        Accept: accept,
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      throw new NotReachable(url, error);
    });
    if (response.ok) return response;
    const text = await response.text();
    throw new ProblemAnswer(response.status, problemOf(text));
  }
}

async function* linesOf(response: Response): AsyncGenerator<string> {
  let rest = '';
  const decoder = new TextDecoder();
  try {
    for await (const chunk of response.body ?? []) {
      const parts = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
      rest = parts.pop() ?? '';
      yield* parts;
    }
  } catch (error) {
    throw new Error('The connection was lost before the answer had ended.', {
      cause: error,
    });
  }
}

function problemOf(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    // An intermediary answered, such as a proxy: only the status is known.
    return {};
  }
}
