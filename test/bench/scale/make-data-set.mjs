/** node test/bench/scale/make-data-set.mjs FOLDER ACCOUNTS — after `npm run build`. */
import { ensureDataSet } from './data-set.mjs';

const [folder, accounts] = process.argv.slice(2);
const say = (line) => void process.stderr.write(`${line}\n`);
const { madeInSeconds } = await ensureDataSet(folder, Number(accounts), say);
say(`complete; made in ${madeInSeconds} s`);
