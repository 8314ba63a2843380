-- In the database of POSTGRES_DB, when the data directory is new.
CREATE EXTENSION augur;
