-- The whole example.  Needs CREATE EXTENSION augur, and psql started in examples/prices:
--
--     cd examples/prices && psql -v ON_ERROR_STOP=1 -f run.sql

\set QUIET on
\ir load.sql
\ir train.sql
\ir report.sql
