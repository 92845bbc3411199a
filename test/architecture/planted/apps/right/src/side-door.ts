import { plain } from '../../../libs/accounts/src/plain.js';
export const side = plain;
