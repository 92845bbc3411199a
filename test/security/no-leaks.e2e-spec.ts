import { describeNoLeaks } from './no-leaks.js';

describeNoLeaks(100);
