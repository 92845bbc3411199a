export { describe } from './open-api.js';
