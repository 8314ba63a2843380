-- With a secret slack_webhook: trouble is told there, and its end.  For other channels and routes
-- see docs/notifications.md.
SELECT coalesce((pg_stat_file(current_setting('augur.secret_directory') || '/slack_webhook', true)).size,
	0) > 0 AS has_slack \gset
\if :has_slack
SELECT augur.create_channel('slack', 'file:slack_webhook') \g /dev/null
SELECT augur.create_route('trouble', 'slack', min_severity => 'warning') \g /dev/null
\endif
