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
 * from the live table's own definition, so that it cannot differ from what the migrations made.
 */
export class AsideTable {
  readonly name: string;
  private readonly live: string;

  constructor(projection: Pick<Projection<never>, 'table'>) {
    this.name = `read_model_rebuild.${projection.table}`;
    this.live = liveTable(projection);
  }

  /** An empty one; what an earlier rebuild left behind is dropped. Only the primary key is indexed. */
  async create(database: Queryable): Promise<void> {
    await this.drop(database);
    await database.query({
      text: `create table ${this.name} (like ${this.live} including all excluding indexes)`,
    });
    const { rows } = await database.query<{ name: string; definition: string }>({
      text: `select conname as name, pg_get_constraintdef(oid) as definition
             from pg_constraint where conrelid = $1::regclass and contype = 'p'`,
      values: [this.live],
    });
    for (const { name, definition } of rows) {
      await database.query({
        text: `alter table ${this.name} add constraint "${name}" ${definition}`,
      });
    }
  }

  /** The live table's other indexes, built at once over the rows, and figures for the planner. */
  async index(database: Queryable): Promise<void> {
    const { rows } = await database.query<{ definition: string }>({
      text: `select pg_get_indexdef(indexrelid) as definition
             from pg_index where indrelid = $1::regclass and not indisprimary`,
      values: [this.live],
    });
    for (const { definition } of rows) {
      await database.query({
        text: definition.replace(` ON ${this.live} `, ` ON ${this.name} `),
      });
    }
    await database.query({ text: `analyze ${this.name}` });
  }

  async drop(database: Queryable): Promise<void> {
    await database.query({ text: `drop table if exists ${this.name}` });
  }

  /** Puts it in the place of the live one, which is dropped. Readers wait until the transaction ends. */
  async takePlace(transaction: Queryable): Promise<void> {
    await transaction.query({ text: `drop table ${this.live}` });
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
