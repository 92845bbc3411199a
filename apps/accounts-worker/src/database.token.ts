/** Injection token of PostgreSQL (`Database` of @app/read-model). */
export const DATABASE = Symbol('Database');
