import type { Queryable } from '@app/postgres';
import type { Projection } from '../projection.js';
import { liveTable } from '../projection.js';
import { createLike, definitionOf, indexLike, tableExists } from './table-definition.js';

/** How many rows a table has, and a checksum over all of them that does not depend on their order. */
export interface TableDigest {
  readonly rows: bigint;
  readonly checksum: string;
}

/**
 * The table that a projection's rows are built in before it takes the place of the live one. It is made
 * from the live table's own definition, so that it cannot differ from what the migrations made.
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
    await this.drop(database);
    await createLike(database, this.name, await definitionOf(database, this.projection));
  }

  /** The live table's other indexes, built at once over the rows, and figures for the planner. */
  async index(database: Queryable): Promise<void> {
    await indexLike(database, this.name, await definitionOf(database, this.projection));
    await database.query({ text: `analyze ${this.name}` });
  }

  /** Whether there is no table whose place it could take. */
  async isLiveLost(database: Queryable): Promise<boolean> {
    return !(await tableExists(database, this.live));
  }

  async drop(database: Queryable): Promise<void> {
    await database.query({ text: `drop table if exists ${this.name}` });
  }

  /** Puts it in the place of the live one, which is dropped where it is not lost. Readers wait until the transaction ends. */
  async takePlace(transaction: Queryable): Promise<void> {
    await transaction.query({ text: `drop table if exists ${this.live}` });
    await transaction.query({ text: `alter table ${this.name} set schema read_model` });
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
