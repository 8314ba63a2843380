-- Train a random forest on the spring, with a part of the customers held out, and keep it in the
-- registry under the name high_value.

SELECT model, version, task, rows_used, metric, round(value::numeric, 3) AS value, promoted,
	   round(seconds::numeric, 2) AS seconds
FROM augur.train('high_value', 'shop.spring', 'large_purchase',
				 key => 'customer_id',
				 params => '{"n_trees": 300, "min_samples_leaf": 5}',
				 note => 'purchase above 300 within 90 days');
