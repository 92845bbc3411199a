/** Injection token of PostgreSQL (`Database` of @app/postgres). */
export const DATABASE = Symbol('Database');
