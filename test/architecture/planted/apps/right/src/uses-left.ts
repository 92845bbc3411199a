import { left } from '../../left/src/left.js';
export const right = left;
