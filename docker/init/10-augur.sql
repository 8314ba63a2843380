-- In the database of POSTGRES_DB, when the data directory is new.
CREATE EXTENSION augur;
CREATE EXTENSION pg_cron;

-- The worker that sends notifications is this role.  It has no password, so nobody else can be it.
CREATE ROLE augur_notifier LOGIN;
SELECT augur.grant_preset('augur_notifier', 'notifier') \g /dev/null

-- One job of pg_cron drives pipelines, schedules, monitors and retraining of this database.
SELECT augur.install_tick() \g /dev/null
