import { left } from '../../../apps/left/src/left.js';
export const knows = left;
