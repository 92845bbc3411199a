import pg from 'pg';
export const postgres = pg;
