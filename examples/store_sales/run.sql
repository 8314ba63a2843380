-- The whole example, from nothing to the report.  Needs CREATE EXTENSION augur; writes
-- store_sales.svg to the directory that psql runs in.
--
--     psql -v ON_ERROR_STOP=1 -f examples/store_sales/run.sql

\set QUIET on
\ir generate.sql
\ir validate.sql
\ir prepare.sql
\ir compare.sql
\ir register.sql
\ir report.sql
