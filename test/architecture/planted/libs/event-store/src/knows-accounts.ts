import { plain } from '../../accounts/src/index.js';
export const knows = plain;
