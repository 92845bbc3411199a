/**
 * better-auth with its emailOTP plugin on node:http: sign-up with a password, a 4-digit code by mail,
 * sign-in only after the code. Password hashes are bcrypt of the same cost as everybody's. The mail is not
 * waited for, as its documentation advises. Its rate limits and its telemetry are off.
 */
import { createServer } from 'node:http';
import bcrypt from 'bcrypt';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { toNodeHandler } from 'better-auth/node';
import { emailOTP } from 'better-auth/plugins';
import pg from 'pg';
import { postMail } from './post-mail.mjs';

const COST = Number(process.env.BCRYPT_COST);

const auth = betterAuth({
  secret: 'only-for-measurements-on-loopback-0123456789',
  baseURL: 'http://127.0.0.1',
  trustedOrigins: ['http://127.0.0.1'],
  database: new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 }),
  emailAndPassword: {
    enabled: true,
    requireEmailVerification: true,
    password: {
      hash: (password) => bcrypt.hash(password, COST),
      verify: ({ hash, password }) => bcrypt.compare(password, hash),
    },
  },
  plugins: [
    emailOTP({
      otpLength: 4,
      expiresIn: Number(process.env.ACTIVATION_CODE_TTL_SECONDS ?? 60),
      sendVerificationOnSignUp: true,
      sendVerificationOTP: async ({ email, otp }) => void postMail(email, otp),
    }),
  ],
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { level: 'error' },
});

const { runMigrations } = await getMigrations(auth.options);
await runMigrations();

const server = createServer(toNodeHandler(auth));
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  process.send({ kind: 'ready', endpoints: { api: `http://127.0.0.1:${port}` } });
});
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
