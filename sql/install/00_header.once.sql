-- The schema is made here, not by the control file, so that one planted beforehand makes the install fail.
CREATE SCHEMA augur;
COMMENT ON SCHEMA augur IS 'augur: machine learning in SQL. Start with augur.train and augur.predict.';
-- Nothing in these scripts may be looked up in a schema that others can write to.
SET LOCAL search_path = pg_catalog, pg_temp;
