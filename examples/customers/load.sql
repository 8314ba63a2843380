-- Load customers.csv and transactions.json from the directory that psql runs in into schema shop.

SET client_min_messages = warning;
DROP SCHEMA IF EXISTS shop CASCADE;
RESET client_min_messages;
CREATE SCHEMA shop;

CREATE TABLE shop.customers (
	customer_id		integer PRIMARY KEY,
	age				integer,
	region			text,
	signup_date		date NOT NULL,
	loyalty_points	integer
);
\copy shop.customers FROM 'customers.csv' WITH (FORMAT csv, HEADER)

CREATE TEMP TABLE incoming (line jsonb);
\copy incoming FROM 'transactions.json' WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')

CREATE TABLE shop.transactions (
	transaction_id	integer PRIMARY KEY,
	customer_id		integer NOT NULL REFERENCES shop.customers,
	amount			numeric NOT NULL,
	ts				timestamp NOT NULL,
	payment_method	text,
	status			text NOT NULL
);
INSERT INTO shop.transactions
SELECT (jsonb_populate_record(NULL::shop.transactions, line)).* FROM incoming;
DROP TABLE incoming;

CREATE INDEX ON shop.transactions (customer_id, ts);
ANALYZE shop.customers, shop.transactions;
