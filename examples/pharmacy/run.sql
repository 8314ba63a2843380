-- The whole example, from nothing to the report.  Needs CREATE EXTENSION augur.
--
--     psql -v ON_ERROR_STOP=1 -f examples/pharmacy/run.sql

\set QUIET on
\ir generate.sql
\ir prices.sql
\ir forecast.sql
\ir report.sql
