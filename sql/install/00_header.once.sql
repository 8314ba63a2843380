-- The schema is made here, not by the control file, so that one planted beforehand makes the install fail.
CREATE SCHEMA augur;
COMMENT ON SCHEMA augur IS 'augur: machine learning in SQL. Start with augur.train and augur.predict.';
