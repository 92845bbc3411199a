import { adapter } from '../../../libs/event-store/src/eventstoredb-event-store.js';
export const wired = adapter;
