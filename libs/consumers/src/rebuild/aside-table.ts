import type { Queryable } from '@app/postgres';
import type { Projection } from '../projection.js';
import { liveTable } from '../projection.js';

/** How many rows a table has, and a checksum over all of them that does not depend on their order. */
export interface TableDigest {
  readonly rows: bigint;
  readonly checksum: string;
}

/**
 * The table that a projection's rows are built in before it takes the place of the live one. It is made
 * from the live table's own definition, so that it cannot differ from what the migrations made. Only the owner of the
 * tables may make and drop one: functions of the database do it for this process.
 */
export class AsideTable {
  readonly name: string;
  private readonly live: string;

  constructor(private readonly projection: Pick<Projection<never>, 'table'>) {
    this.name = `read_model_rebuild.${projection.table}`;
    this.live = liveTable(projection);
  }

  /**
   * An empty one; what an earlier rebuild left behind is dropped. Only the primary key is indexed.
   *
   * @throws Error when the live one is lost, and no copy of its definition was kept
   */
  async create(database: Queryable): Promise<void> {
    const { rows } = await database.query<{ definition: string | null }>({
      text: 'select read_model_rebuild.definition_of($1) as definition',
      values: [this.projection.table],
    });
    if (!rows[0]?.definition) {
      throw new Error(
        `${this.live} is lost, and so is the definition that migrate keeps of it: restore the database from a copy`,
      );
    }
    await this.call(database, 'create_table');
  }

  /** The live table's other indexes, built at once over the rows, and figures for the planner. */
  async index(database: Queryable): Promise<void> {
    await this.call(database, 'index_table');
  }

  /** Whether there is no table whose place it could take. */
  async isLiveLost(database: Queryable): Promise<boolean> {
    const { rows } = await database.query<{ found: boolean }>({
      text: 'select to_regclass($1) is not null as found',
      values: [this.live],
    });
    return rows[0]?.found !== true;
  }

  async drop(database: Queryable): Promise<void> {
    await this.call(database, 'drop_table');
  }

  /**
   * Puts it in the place of the live one, which is dropped where it is not lost, with the rights on that. Readers wait
   * until the transaction ends.
   */
  async takePlace(transaction: Queryable): Promise<void> {
    await this.call(transaction, 'switch_table');
  }

  private async call(database: Queryable, step: string): Promise<void> {
    const { table } = this.projection;
    await database.query({ text: `select read_model_rebuild.${step}($1)`, values: [table] });
  }
}

export async function digestOf(queryable: Queryable, table: string): Promise<TableDigest> {
  const { rows } = await queryable.query<TableDigest>({
    text: `select count(*) as rows,
                  coalesce(sum(hashtextextended(whole::text, 0)::numeric), 0)::text as checksum
           from ${table} as whole`,
  });
  const [digest] = rows;
  if (digest === undefined) throw new Error(`${table} has no digest`);
  return digest;
}
