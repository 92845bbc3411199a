import { provesRebuildAfterErasure } from './rebuild-after-erasure.js';

provesRebuildAfterErasure(1_000);
