-- What processes do that PostgreSQL lets only the owner of a table do. Each function runs with the owner's rights, and
-- does one thing to the tables of projections; who may call it stands with the rights on tables (rights.ts).

CREATE FUNCTION read_model_rebuild.definition_of(table_name text) RETURNS text
    LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT wanted.name
        FROM (VALUES (1, format('read_model.%I', table_name)),
                     (2, format('read_model_definition.%I', table_name))) AS wanted (place, name)
        WHERE table_name <> 'checkpoints' AND to_regclass(wanted.name) IS NOT NULL
        ORDER BY wanted.place LIMIT 1
    $$;
COMMENT ON FUNCTION read_model_rebuild.definition_of(text) IS 'Which table says how a projection''s table is made: that table, or the copy kept of it; null where there is neither.';

CREATE FUNCTION read_model_rebuild.copy_rights(source text, target text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    granted record;
BEGIN
    FOR granted IN
        SELECT DISTINCT grantee::regrole::text AS role
        FROM pg_class, aclexplode(relacl) WHERE oid = target::regclass AND grantee NOT IN (0, relowner)
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %s', target, granted.role);
    END LOOP;
    FOR granted IN
        SELECT privilege_type AS verb, grantee::regrole::text AS role
        FROM pg_class, aclexplode(relacl) WHERE oid = source::regclass AND grantee NOT IN (0, relowner)
    LOOP
        EXECUTE format('GRANT %s ON %s TO %s', granted.verb, target, granted.role);
    END LOOP;
END
$$;
COMMENT ON FUNCTION read_model_rebuild.copy_rights(text, text) IS 'Gives a table the rights that roles have on another one, and no others.';

CREATE FUNCTION read_model_rebuild.create_like(target text, source text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    key record;
BEGIN
    EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL EXCLUDING INDEXES)', target, source);
    FOR key IN
        SELECT conname AS name, pg_get_constraintdef(oid) AS definition
        FROM pg_constraint WHERE conrelid = source::regclass AND contype = 'p'
    LOOP
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', target, key.name, key.definition);
    END LOOP;
END
$$;
COMMENT ON FUNCTION read_model_rebuild.create_like(text, text) IS 'An empty table with the columns, checks, comments and primary key of another one.';

CREATE FUNCTION read_model_rebuild.index_like(target text, source text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    definition text;
BEGIN
    FOR definition IN
        SELECT pg_get_indexdef(indexrelid) FROM pg_index
        WHERE indrelid = source::regclass AND NOT indisprimary
    LOOP
        EXECUTE replace(definition, format(' ON %s ', source), format(' ON %s ', target));
    END LOOP;
    EXECUTE format('ANALYZE %s', target);
END
$$;
COMMENT ON FUNCTION read_model_rebuild.index_like(text, text) IS 'The other indexes of that table, under the same names, and figures for the planner.';

CREATE FUNCTION read_model_rebuild.keep_definition(table_name text) RETURNS void
    LANGUAGE plpgsql STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    live constant text := format('read_model.%I', table_name);
    kept constant text := format('read_model_definition.%I', table_name);
BEGIN
    IF to_regclass(live) IS NULL THEN RETURN; END IF;
    EXECUTE format('DROP TABLE IF EXISTS %s', kept);
    PERFORM read_model_rebuild.create_like(kept, live);
    PERFORM read_model_rebuild.index_like(kept, live);
    PERFORM read_model_rebuild.copy_rights(live, kept);
END
$$;
COMMENT ON FUNCTION read_model_rebuild.keep_definition(text) IS 'Keeps an empty copy of a projection''s table and of the rights on it. One that is lost keeps the copy that there is.';

CREATE FUNCTION read_model_rebuild.create_table(table_name text) RETURNS void
    LANGUAGE plpgsql STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    aside constant text := format('read_model_rebuild.%I', table_name);
BEGIN
    EXECUTE format('DROP TABLE IF EXISTS %s', aside);
    PERFORM read_model_rebuild.create_like(aside, read_model_rebuild.definition_of(table_name));
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO SESSION_USER', aside);
END
$$;
COMMENT ON FUNCTION read_model_rebuild.create_table(text) IS 'An empty table beside a projection''s own, which the caller may fill.';

CREATE FUNCTION read_model_rebuild.index_table(table_name text) RETURNS void
    LANGUAGE sql STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT read_model_rebuild.index_like(
            format('read_model_rebuild.%I', table_name), read_model_rebuild.definition_of(table_name))
    $$;
COMMENT ON FUNCTION read_model_rebuild.index_table(text) IS 'The indexes of the table beside, once it is filled.';

CREATE FUNCTION read_model_rebuild.drop_table(table_name text) RETURNS void
    LANGUAGE plpgsql STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    EXECUTE format('DROP TABLE IF EXISTS read_model_rebuild.%I', table_name);
END
$$;
COMMENT ON FUNCTION read_model_rebuild.drop_table(text) IS 'Gives up the table beside.';

CREATE FUNCTION read_model_rebuild.switch_table(table_name text) RETURNS void
    LANGUAGE plpgsql STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    aside constant text := format('read_model_rebuild.%I', table_name);
BEGIN
    PERFORM read_model_rebuild.copy_rights(read_model_rebuild.definition_of(table_name), aside);
    EXECUTE format('DROP TABLE IF EXISTS read_model.%I', table_name);
    EXECUTE format('ALTER TABLE %s SET SCHEMA read_model', aside);
END
$$;
COMMENT ON FUNCTION read_model_rebuild.switch_table(text) IS 'Puts the table beside in the place of the projection''s own, which is dropped where it is not lost.';

CREATE FUNCTION read_model.blank_account(account uuid, up_to_registration integer) RETURNS void
    LANGUAGE sql STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        UPDATE read_model.accounts SET address = NULL, network_key = NULL, claims = NULL
        WHERE account_id = account AND registration_number <= up_to_registration AND address IS NOT NULL
    $$;
COMMENT ON FUNCTION read_model.blank_account(uuid, integer) IS 'Takes a forgotten person out of the row at once. The admin API and the worker may do no more to it when they erase.';

CREATE FUNCTION operations.cut_connections() RETURNS void
    LANGUAGE sql STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pg_has_role(usesysid, 'USAGE')
            AND application_name LIKE 'accounts-%' AND application_name NOT LIKE 'accounts-worker%'
    $$;
COMMENT ON FUNCTION operations.cut_connections() IS 'Ends the connections of the processes that work only with a database that belongs to the event log.';

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA read_model, read_model_rebuild, operations FROM PUBLIC;
