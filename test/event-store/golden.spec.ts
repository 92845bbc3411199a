import { describeGoldenAnswers } from './golden.contract.js';

describeGoldenAnswers('24.10.14');
