export { StartUp } from './start-up.js';
