import { describeNoLeaks } from './no-leaks.js';

describeNoLeaks(1_000);
