import type { Queryable } from '@app/postgres';
import type { Projection } from '../projection.js';
import { liveTable } from '../projection.js';
import { requireDefinition, tableExists } from './table-definition.js';

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

  /** An empty one; what an earlier rebuild left behind is dropped. Only the primary key is indexed. */
  async create(database: Queryable): Promise<void> {
    await requireDefinition(database, this.projection);
    await this.call(database, 'create_table');
  }

  /** The live table's other indexes, built at once over the rows, and figures for the planner. */
  async index(database: Queryable): Promise<void> {
    await this.call(database, 'index_table');
  }

  /** Whether there is no table whose place it could take. */
  async isLiveLost(database: Queryable): Promise<boolean> {
    return !(await tableExists(database, this.live));
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

  digest(queryable: Queryable): Promise<TableDigest> {
    return digestOf(queryable, this.name);
  }

  digestOfLive(queryable: Queryable): Promise<TableDigest> {
    return digestOf(queryable, this.live);
  }
}

async function digestOf(queryable: Queryable, table: string): Promise<TableDigest> {
  const { rows } = await queryable.query<TableDigest>({
    text: `select count(*) as rows,
                  coalesce(sum(hashtextextended(whole::text, 0)::numeric), 0)::text as checksum
           from ${table} as whole`,
  });
  const [digest] = rows;
  if (digest === undefined) throw new Error(`${table} has no digest`);
  return digest;
}
