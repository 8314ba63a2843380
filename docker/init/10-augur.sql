-- In the database of POSTGRES_DB, when the data directory is new.
CREATE EXTENSION augur;
CREATE EXTENSION pg_cron;

-- One job of pg_cron drives pipelines, schedules, monitors and retraining of this database.
SELECT to_regprocedure('augur.install_tick()') IS NOT NULL AS has_tick \gset
\if :has_tick
SELECT augur.install_tick();
\endif
