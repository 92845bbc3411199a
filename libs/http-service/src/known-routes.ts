import type { FastifyInstance } from 'fastify';

interface KnownRoute {
  readonly path: RegExp;
  readonly methods: Set<string>;
}

/** Remembers which methods each path takes, so that a wrong method and a wrong path get different answers. */
export class KnownRoutes {
  private readonly routes = new Map<string, KnownRoute>();

  /** Must be called before any route is added. */
  watch(server: FastifyInstance): void {
    server.addHook('onRoute', ({ url, method }) => {
      const route = this.routes.get(url) ?? { path: patternOf(url), methods: new Set<string>() };
      for (const one of [method].flat()) route.methods.add(one);
      this.routes.set(url, route);
    });
  }

  /**
   * The methods that the path takes, sorted; empty when nothing is there.
   *
   * @param encodedPath as it stands in the request, without the query
   */
  methodsOf(encodedPath: string): readonly string[] {
    const path = decoded(encodedPath).replace(/(?<=.)\/$/, '');
    const matching = [...this.routes.values()].filter((route) => route.path.test(path));
    return [...new Set(matching.flatMap((route) => [...route.methods]))].sort();
  }
}

function patternOf(url: string): RegExp {
  const pattern = url
    .split('/')
    .map((segment) =>
      segment.startsWith(':') ? '[^/]+' : segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'),
    )
    .join('/');
  return new RegExp(`^${pattern}$`);
}

function decoded(encodedPath: string): string {
  try {
    return decodeURI(encodedPath);
  } catch {
    // No route has a path that cannot be decoded.
    return encodedPath;
  }
}
