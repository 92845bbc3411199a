import { provesRebuildAfterErasure } from './rebuild-after-erasure.js';

provesRebuildAfterErasure(10_000);
