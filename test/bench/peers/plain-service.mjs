/**
 * The ceiling: the same calls as the product's API, by hand on Fastify, pg and bcrypt, with one row per
 * account and no event sourcing. A mail is forgotten when the process dies, nothing is throttled, nothing
 * is on record. A password that was right is remembered for a minute, as in the product.
 */
import { createHmac, randomBytes, randomInt, randomUUID } from 'node:crypto';
import bcrypt from 'bcrypt';
import Fastify from 'fastify';
import pg from 'pg';
import { postMail } from './post-mail.mjs';

const COST = Number(process.env.BCRYPT_COST);
const CACHE_MS = Number(process.env.CREDENTIAL_CACHE_SECONDS ?? 60) * 1_000;
const CODE_TTL_MS = Number(process.env.ACTIVATION_CODE_TTL_SECONDS ?? 60) * 1_000;

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const key = randomBytes(32);
const verified = new Map();
const digest = (text) => createHmac('sha256', key).update(text).digest('base64');

await pool.query(`create table if not exists accounts (
  id uuid primary key,
  email text not null unique,
  password_hash text not null,
  code_digest text,
  code_expires_at timestamptz,
  guesses_left int not null,
  registered_at timestamptz not null default now(),
  activated_at timestamptz)`);

const app = Fastify();

app.post(
  '/v1/accounts',
  {
    schema: {
      body: {
        type: 'object',
        required: ['email', 'password'],
        properties: {
          email: { type: 'string', minLength: 3, maxLength: 254, pattern: '^[^@\\s]+@[^@\\s]+$' },
          password: { type: 'string', minLength: 8, maxLength: 128 },
        },
      },
    },
  },
  async ({ body: { email, password } }, reply) => {
    const code = String(randomInt(10_000)).padStart(4, '0');
    const passwordHash = await bcrypt.hash(password, COST);
    const { rows } = await pool.query({
      name: 'register',
      text: `insert into accounts (id, email, password_hash, code_digest, code_expires_at, guesses_left)
             values ($1, $2, $3, $4, $5, 3)
             on conflict (email) do update set password_hash = excluded.password_hash,
               code_digest = excluded.code_digest, code_expires_at = excluded.code_expires_at, guesses_left = 3
             where accounts.activated_at is null
             returning id`,
      values: [
        randomUUID(),
        email.toLowerCase(),
        passwordHash,
        digest(`${email}\0${code}`),
        new Date(Date.now() + CODE_TTL_MS),
      ],
    });
    if (rows.length > 0) void postMail(email, code);
    reply.code(202);
    return { accountId: rows[0]?.id };
  },
);

async function proven(request) {
  const [, encoded = ''] = /^Basic (.+)$/.exec(request.headers.authorization ?? '') ?? [];
  const [, email = '', password = ''] =
    /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString()) ?? [];
  const { rows } = await pool.query({
    name: 'find',
    text: 'select * from accounts where email = $1',
    values: [email.toLowerCase()],
  });
  const account = rows[0];
  if (!account) return undefined;
  const proof = digest(`${account.password_hash}\0${password}`);
  const known = verified.get(account.id);
  if (known?.proof === proof && known.until > Date.now()) return account;
  if (!(await bcrypt.compare(password, account.password_hash))) return undefined;
  if (CACHE_MS > 0) verified.set(account.id, { proof, until: Date.now() + CACHE_MS });
  return account;
}

app.get('/v1/account', async (request, reply) => {
  const account = await proven(request);
  if (!account) return reply.code(401).send();
  return {
    accountId: account.id,
    email: account.email,
    status: account.activated_at ? 'active' : 'pending',
    registeredAt: account.registered_at,
    activatedAt: account.activated_at,
  };
});

app.post(
  '/v1/account/activation',
  {
    schema: {
      body: {
        type: 'object',
        required: ['code'],
        properties: { code: { type: 'string', pattern: '^[0-9]{4}$' } },
      },
    },
  },
  async (request, reply) => {
    const account = await proven(request);
    if (!account) return reply.code(401).send();
    const { rows } = await pool.query({
      name: 'activate',
      text: `update accounts set
               activated_at = case when code_digest = $2 then now() end,
               guesses_left = guesses_left - 1
             where id = $1 and activated_at is null and guesses_left > 0 and code_expires_at > now()
             returning activated_at`,
      values: [account.id, digest(`${account.email}\0${request.body.code}`)],
    });
    if (!rows[0]?.activated_at) return reply.code(409).send();
    return { accountId: account.id, status: 'active', activatedAt: rows[0].activated_at };
  },
);

const url = await app.listen({ host: '127.0.0.1', port: 0 });
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
process.send({ kind: 'ready', endpoints: { api: url } });
