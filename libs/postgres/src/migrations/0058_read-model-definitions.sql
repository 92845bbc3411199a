-- What a lost table of the read model is made anew from. Filled by the process `migrate` after the last migration.
CREATE SCHEMA read_model_definition;

COMMENT ON SCHEMA read_model_definition IS 'An empty copy of each table of read_model, made by migrate: a table that is lost is built anew from it.';
