-- Train a regression forest on four rows in five, with its own holdout within them.

SELECT model, version, task, rows_used, metric, round(value::numeric, 1) AS value, promoted,
	   round(seconds::numeric, 2) AS seconds
FROM augur.train('diamond_price', 'gems.training', 'price',
				 key => 'id',
				 params => '{"n_trees": 100}',
				 note => 'price in dollars from weight, cut, colour, clarity and size');
