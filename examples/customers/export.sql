-- Write what the shop's systems would deliver: customers.csv, and transactions.json with one
-- JSON object a line.  Both go to the directory that psql runs in.  The odd quote and delimiter
-- make CSV leave the JSON alone; neither character can occur in JSON text.

\copy (SELECT * FROM shop_source.customers ORDER BY customer_id) TO 'customers.csv' WITH (FORMAT csv, HEADER)
\copy (SELECT row_to_json(t) FROM shop_source.transactions t ORDER BY transaction_id) TO 'transactions.json' WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')
