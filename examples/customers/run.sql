-- The whole example, from nothing to the report.  Needs CREATE EXTENSION augur; writes
-- customers.csv and transactions.json to the directory that psql runs in.
--
--     psql -v ON_ERROR_STOP=1 -f examples/customers/run.sql

\set QUIET on
\ir generate.sql
\ir export.sql
\ir load.sql
\ir features.sql
\ir seasons.sql
\ir train.sql
\ir report.sql
