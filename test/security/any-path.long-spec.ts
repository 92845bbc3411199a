import { describeAnyPath } from './any-path.js';

describeAnyPath(50_000);
