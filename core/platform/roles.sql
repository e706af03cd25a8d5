-- Creates the roles of the node. Run once by a superuser, or by whoever may create roles;
-- the embedded Postgres runs it by itself. Give the login roles passwords of their own.
--
--   howdah_owner     owns the tables, cannot log in
--   howdah_migrator  logs in to migrate, by becoming the owner
--   howdah_app       logs in for calls and jobs; row-level security applies to it
--   howdah_system    logs in for authentication, dispatch and sweeps; named policies let it through
--   howdah_enqueuer  logs in for an application that calls howdah.enqueue, and can do nothing else
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'howdah_owner') THEN
    CREATE ROLE howdah_owner NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'howdah_migrator') THEN
    CREATE ROLE howdah_migrator LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'howdah_app') THEN
    CREATE ROLE howdah_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'howdah_system') THEN
    CREATE ROLE howdah_system LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'howdah_enqueuer') THEN
    CREATE ROLE howdah_enqueuer LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
  END IF;
END
$$;
GRANT howdah_owner TO howdah_migrator;
-- For statements that are transactions of their own; all others set a limit themselves.
ALTER ROLE howdah_system SET statement_timeout = '10s';
-- Its statements are made for indexes and prepared once: a plan made while a table was small must
-- not scan it when it has grown, and planning anew each time would cost more than what is planned.
ALTER ROLE howdah_system SET enable_seqscan = off;
ALTER ROLE howdah_system SET plan_cache_mode = force_generic_plan;
