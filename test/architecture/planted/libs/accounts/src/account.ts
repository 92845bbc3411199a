import { createHash } from 'node:crypto';
export const account = createHash;
