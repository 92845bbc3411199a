import { describeAnyPath } from './any-path.js';

describeAnyPath(1_000);
