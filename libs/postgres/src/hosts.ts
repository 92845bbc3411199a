import { DatabaseUnavailable } from './database.js';

const PORTION = /^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)([^/?#@]*)(.*)$/i;
const MUST_WRITE = /^(read-write|primary)$/;
const ATTRIBUTE = 'target_session_attrs';

/** The server answers, and takes no writes: a standby, or a primary that was replaced. */
export class DatabaseReadOnly extends DatabaseUnavailable {
  constructor() {
    super(
      'it is read-only, a standby or a primary that was replaced: name the primary in DATABASE_URL, or promote this one',
    );
    this.name = 'DatabaseReadOnly';
  }
}

/** The servers that a URL names, of which one at a time is used: the first that answers and may be written to. */
export class DatabaseHosts {
  private readonly urls: readonly string[];
  /** Whether a server that takes no writes is passed over. */
  readonly mustWrite: boolean;
  private place = 0;

  /**
   * @param databaseUrl as libpq reads it: hosts separated by commas, each with its port, and
   *   `target_session_attrs=read-write`, which several hosts imply here
   */
  constructor(
    databaseUrl: string,
    private readonly onMovedOn: (from: string) => void = () => undefined,
  ) {
    const [, start = databaseUrl, hosts = '', end = ''] = PORTION.exec(databaseUrl) ?? [];
    const wanted = new URLSearchParams(end.replace(/^[^?]*/, '')).get(ATTRIBUTE) ?? '';
    this.urls = hosts.split(',').map((host) => start + host + end);
    this.mustWrite = this.urls.length > 1 || MUST_WRITE.test(wanted);
  }

  /** With one host. */
  get current(): string {
    return this.urls[this.place] ?? '';
  }

  /** The next host in turn is used from now on, unless another caller has moved on already. */
  moveOn(from: string): void {
    if (this.urls.length < 2 || from !== this.current) return;
    this.place = (this.place + 1) % this.urls.length;
    this.onMovedOn(from);
  }

  /**
   * Tries each host once, beginning with the one in use.
   *
   * @param attempt connects to a host; rejects with DatabaseUnavailable when it is of no use
   * @throws what the last attempt threw
   */
  async inTurn<Result>(attempt: (url: string) => Promise<Result>): Promise<Result> {
    for (let tries = 1; ; tries += 1) {
      const url = this.current;
      try {
        return await attempt(url);
      } catch (error) {
        if (!(error instanceof DatabaseUnavailable) || error instanceof NotOfTheHost) throw error;
        this.moveOn(url);
        if (tries >= this.urls.length) throw error;
      }
    }
  }
}

/** Another server would be of no more use: all connections are in use, or the database is not to be worked with. */
export class NotOfTheHost extends DatabaseUnavailable {}
