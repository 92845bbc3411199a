import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';
import { comparable } from './equal-answers.js';

/** What came back, and how long it took. */
export interface Timed {
  readonly status: number;
  /** Names and values, as they were sent and in that order. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly milliseconds: number;
}

/** Calls over one connection that stays open, measured from the first byte sent to the last received. */
export class StopWatch {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(private readonly url: string) {}

  call(
    method: 'GET' | 'POST',
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: object,
  ): Promise<Timed> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const startedAt = performance.now();
      const call = request(
        new URL(path, this.url),
        {
          method,
          agent: this.agent,
          headers: {
            ...headers,
            ...(payload !== undefined && {
              'Content-Type': 'application/json',
              'Content-Length': String(Buffer.byteLength(payload)),
            }),
          },
        },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('error', reject);
          answer.on('end', () =>
            resolve({
              status: answer.statusCode ?? 0,
              headers: pairsOf(answer.rawHeaders),
              body: Buffer.concat(chunks).toString(),
              milliseconds: performance.now() - startedAt,
            }),
          );
        },
      );
      call.on('error', reject);
      call.end(payload);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

/** The answer with everything left out that differs between any two calls. */
export function shapeOf({ status, headers, body }: Timed): object {
  const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
  return { status, headers: headers.map(comparable), body: body.replace(uuid, '<id>') };
}

function pairsOf(rawHeaders: readonly string[]): (readonly [string, string])[] {
  return rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? ''] as const] : [],
  );
}

/** Chance that a sample of `one` is greater than one of `other`: 0.5 when they do not differ. */
export function areaUnderCurve(one: readonly number[], other: readonly number[]): number {
  const all = [
    ...one.map((value) => ({ value, isOne: true })),
    ...other.map((value) => ({ value, isOne: false })),
  ].sort((left, right) => left.value - right.value);
  let ranks = 0;
  for (let start = 0; start < all.length;) {
    let end = start;
    while (end < all.length && all[end]?.value === all[start]?.value) end++;
    const middle = (start + 1 + end) / 2;
    for (let index = start; index < end; index++) if (all[index]?.isOne) ranks += middle;
    start = end;
  }
  return (ranks - (one.length * (one.length + 1)) / 2) / (one.length * other.length);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const [low, high] = [
    sorted[Math.floor((sorted.length - 1) / 2)],
    sorted[Math.ceil((sorted.length - 1) / 2)],
  ];
  return ((low ?? NaN) + (high ?? NaN)) / 2;
}

/** The same values in another order. */
export function shuffled<Value>(values: readonly Value[]): Value[] {
  const result = [...values];
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [result[last], result[other]] = [result[other] as Value, result[last] as Value];
  }
  return result;
}
