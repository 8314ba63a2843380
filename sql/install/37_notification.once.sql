-- notification: who is told of which events, and what became of each message.
--
-- Follows the rules of 30_registry.once.sql.  Writers of events only add rows to
-- augur.notifications; grouping, silences and sending are the deliverer's.  So nobody who trains
-- or promotes ever waits for a lock of a deliverer: the outbox has no foreign keys.  What waits to
-- be sent stays out of dumps: a restored database must not tell old news.

CREATE TABLE augur.channels
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name		text NOT NULL UNIQUE CHECK (name ~ '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$'),
	kind		text NOT NULL CHECK (kind = ANY ('{slack,webhook}'::text[])),
	secret		text NOT NULL CHECK (secret ~ '^file:[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}$'),
	enabled		boolean NOT NULL DEFAULT true,
	per_hour	integer NOT NULL DEFAULT 60 CHECK (per_hour BETWEEN 1 AND 3600),
	max_age		interval NOT NULL DEFAULT '24 hours' CHECK (max_age > interval '0'),
	note		text,
	created_by	name NOT NULL DEFAULT current_user,
	created_at	timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- what deliverers know of a channel; apart, so that it is not dumped
CREATE TABLE augur.channel_states
(
	channel_id	bigint PRIMARY KEY REFERENCES augur.channels ON DELETE CASCADE,
	circuit		text NOT NULL DEFAULT 'closed' CHECK (circuit = ANY ('{closed,open}'::text[])),
	reason		text,
	opened_at	timestamptz,
	recovering	boolean NOT NULL DEFAULT false,
	paused_until timestamptz,
	tried_at	timestamptz,
	failing_since timestamptz,
	dead_at		timestamptz
);

CREATE TABLE augur.routes
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name		text NOT NULL UNIQUE CHECK (name ~ '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$'),
	channel_id	bigint NOT NULL REFERENCES augur.channels ON DELETE CASCADE,
	priority	integer NOT NULL DEFAULT 100,
	kinds		text[] NOT NULL DEFAULT '{}',
	min_severity text NOT NULL DEFAULT 'info'
				CHECK (min_severity = ANY ('{info,warning,error,critical}'::text[])),
	model		text,
	subject		text,
	payload		jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(payload) = 'object'),
	group_by	text[] NOT NULL DEFAULT '{kind}',
	group_wait	interval NOT NULL DEFAULT '30 seconds' CHECK (group_wait >= interval '0'),
	group_interval interval NOT NULL DEFAULT '5 minutes' CHECK (group_interval >= interval '0'),
	repeat_interval interval NOT NULL DEFAULT '4 hours' CHECK (repeat_interval >= interval '0'),
	digest		boolean NOT NULL DEFAULT true,
	continues	boolean NOT NULL DEFAULT false,
	created_by	name NOT NULL DEFAULT current_user,
	created_at	timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX routes_channel_id ON augur.routes (channel_id);

CREATE TABLE augur.silences
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kinds		text[] NOT NULL DEFAULT '{}',
	model		text,
	subject		text,
	payload		jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(payload) = 'object'),
	starts_at	timestamptz NOT NULL DEFAULT clock_timestamp(),
	ends_at		timestamptz NOT NULL,
	comment		text,
	author		name NOT NULL DEFAULT current_user
);
CREATE INDEX silences_ends_at ON augur.silences (ends_at);

CREATE TABLE augur.notifications
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	event_id	bigint,
	channel_id	bigint NOT NULL,
	route_id	bigint,
	kind		text NOT NULL,
	severity	text NOT NULL,
	subject		text NOT NULL,
	object		text NOT NULL,
	topic		text NOT NULL,
	resolves	boolean NOT NULL DEFAULT false,
	needs_told	boolean NOT NULL DEFAULT false,
	group_key	text NOT NULL,
	status		text NOT NULL DEFAULT 'queued' CHECK (status = ANY
				('{queued,sending,retry_wait,sent,grouped,suppressed,expired,dead}'::text[])),
	queued_at	timestamptz NOT NULL DEFAULT clock_timestamp(),
	attempts	integer NOT NULL DEFAULT 0,
	next_at		timestamptz,
	lease_owner text,
	lease_until timestamptz,
	parent_id	bigint,
	events		integer NOT NULL DEFAULT 1,
	plain		boolean NOT NULL DEFAULT false,
	reason		text,
	ended_at	timestamptz
);
CREATE UNIQUE INDEX notifications_event ON augur.notifications (event_id, route_id);
CREATE INDEX notifications_queued ON augur.notifications (channel_id, id) WHERE status = 'queued';
CREATE INDEX notifications_waiting ON augur.notifications (channel_id, route_id, group_key, id)
	WHERE status = 'queued';
CREATE INDEX notifications_open ON augur.notifications (channel_id, id)
	WHERE status = ANY ('{sending,retry_wait}'::text[]);
CREATE INDEX notifications_told ON augur.notifications (route_id, object, id)
	WHERE status = ANY ('{sent,grouped}'::text[]);
CREATE INDEX notifications_group ON augur.notifications (route_id, group_key)
	WHERE status = ANY ('{sending,retry_wait,sent}'::text[]);
CREATE INDEX notifications_sent ON augur.notifications (channel_id, ended_at) WHERE status = 'sent';
CREATE INDEX notifications_parent ON augur.notifications (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX notifications_ended ON augur.notifications (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE augur.notification_attempts
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	notification_id bigint NOT NULL,
	attempt		integer NOT NULL,
	at			timestamptz NOT NULL DEFAULT clock_timestamp(),
	outcome		text NOT NULL,
	http		integer,
	error		text,
	response	text CHECK (octet_length(response) <= 4096),
	seconds		float8,
	deliverer	text
);
CREATE INDEX notification_attempts_notification_id
	ON augur.notification_attempts (notification_id, id);

SELECT pg_extension_config_dump('augur.channels', '');
SELECT pg_extension_config_dump('augur.channels_id_seq', '');
SELECT pg_extension_config_dump('augur.routes', '');
SELECT pg_extension_config_dump('augur.routes_id_seq', '');
SELECT pg_extension_config_dump('augur.silences', '');
SELECT pg_extension_config_dump('augur.silences_id_seq', '');

ALTER TABLE augur.channels ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.channel_states ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.routes ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.silences ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.notifications ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.notification_attempts ENABLE ROW LEVEL SECURITY;

-- A deliverer reads events of everybody: a message is made of them.
CREATE POLICY delivered ON augur.events FOR SELECT
	USING (EXISTS (SELECT FROM augur.preset_roles p
				   WHERE p.preset = 'notifier' AND pg_has_role(p.role, 'USAGE')));

-- channels, routes and silences are no secret to whoever has a preset; messages are, as they tell
-- of models of everybody
CREATE POLICY seen ON augur.channels FOR SELECT USING (true);
CREATE POLICY written ON augur.channels FOR ALL
	USING (EXISTS (SELECT FROM augur.preset_roles p
				   WHERE p.preset = 'admin' AND pg_has_role(p.role, 'USAGE')));
CREATE POLICY seen ON augur.channel_states FOR SELECT USING (true);
CREATE POLICY written ON augur.channel_states FOR ALL
	USING (EXISTS (SELECT FROM augur.preset_roles p
				   WHERE p.preset = ANY ('{admin,notifier}') AND pg_has_role(p.role, 'USAGE')));
CREATE POLICY seen ON augur.routes FOR SELECT USING (true);
CREATE POLICY written ON augur.routes FOR ALL
	USING (EXISTS (SELECT FROM augur.preset_roles p
				   WHERE p.preset = 'admin' AND pg_has_role(p.role, 'USAGE')));
CREATE POLICY seen ON augur.silences FOR SELECT USING (true);
CREATE POLICY written ON augur.silences FOR ALL
	USING (EXISTS (SELECT FROM augur.preset_roles p
				   WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(p.role, 'USAGE')));
CREATE POLICY written ON augur.notifications FOR ALL
	USING (EXISTS (SELECT FROM augur.preset_roles p
				   WHERE p.preset = ANY ('{operator,admin,notifier}')
				   AND pg_has_role(p.role, 'USAGE')));
CREATE POLICY written ON augur.notification_attempts FOR ALL
	USING (EXISTS (SELECT FROM augur.preset_roles p
				   WHERE p.preset = ANY ('{operator,admin,notifier}')
				   AND pg_has_role(p.role, 'USAGE')));

COMMENT ON TABLE augur.channels IS
'Where messages go: a Slack webhook or one of your own. Made by augur.create_channel. The address itself is in a file on the server, see docs/notifications.md.';
COMMENT ON COLUMN augur.channels.id IS 'number of the channel';
COMMENT ON COLUMN augur.channels.name IS 'name, as routes and functions use it';
COMMENT ON COLUMN augur.channels.kind IS 'slack: Block Kit messages; webhook: a JSON document (docs/notifications.md)';
COMMENT ON COLUMN augur.channels.secret IS 'where its URL is: file:NAME in the directory of setting augur.secret_directory';
COMMENT ON COLUMN augur.channels.enabled IS 'false: nothing is queued for it, nor sent';
COMMENT ON COLUMN augur.channels.per_hour IS 'messages within 60 minutes; events over it are kept back, and one message tells how many';
COMMENT ON COLUMN augur.channels.max_age IS 'what could not be sent so long is given up';
COMMENT ON COLUMN augur.channels.note IS 'a remark';
COMMENT ON COLUMN augur.channels.created_by IS 'the user who made it';
COMMENT ON COLUMN augur.channels.created_at IS 'when it was made';
COMMENT ON TABLE augur.channel_states IS
'What deliverers found out about a channel: paused, failing, given up. See augur.notification_status.';
COMMENT ON COLUMN augur.channel_states.channel_id IS 'the channel';
COMMENT ON COLUMN augur.channel_states.circuit IS 'open: the receiver refused for good (403, 404 or 410) and nothing is sent until augur.channel_enable';
COMMENT ON COLUMN augur.channel_states.reason IS 'the last failure; NULL when the last message went through';
COMMENT ON COLUMN augur.channel_states.opened_at IS 'when the circuit was opened';
COMMENT ON COLUMN augur.channel_states.recovering IS 'it was told that the channel fails or is refused, and nothing was sent since: the next message is its recovery';
COMMENT ON COLUMN augur.channel_states.paused_until IS 'the receiver asked for a pause (429) until then';
COMMENT ON COLUMN augur.channel_states.tried_at IS 'the last attempt: there is one a second at most';
COMMENT ON COLUMN augur.channel_states.failing_since IS 'the first failure since a message went through';
COMMENT ON COLUMN augur.channel_states.dead_at IS 'the last event about messages that were given up: there is one an hour at most';
COMMENT ON TABLE augur.routes IS
'Which events go to which channel, and how they are gathered into messages. Made by augur.create_route.';
COMMENT ON COLUMN augur.routes.id IS 'number of the route';
COMMENT ON COLUMN augur.routes.name IS 'name';
COMMENT ON COLUMN augur.routes.channel_id IS 'the channel';
COMMENT ON COLUMN augur.routes.priority IS 'routes are asked from the lowest to the highest; the first that matches takes the event';
COMMENT ON COLUMN augur.routes.kinds IS 'kinds of events, with * and ? as wildcards; empty: all';
COMMENT ON COLUMN augur.routes.min_severity IS 'events of this severity and above; the end of what was told is told either way';
COMMENT ON COLUMN augur.routes.model IS 'name of the model, with * and ?; NULL: any, or none';
COMMENT ON COLUMN augur.routes.subject IS 'subject of the event, with * and ?; NULL: any';
COMMENT ON COLUMN augur.routes.payload IS 'what the payload must contain (@>)';
COMMENT ON COLUMN augur.routes.group_by IS
'events alike in these share a message: kind (drift_found and drift_resolved are one), severity, model, subject, object (the model, pipeline, suite or table), payload.KEY';
COMMENT ON COLUMN augur.routes.group_wait IS 'how long the first event of a group waits for others; critical ones do not wait';
COMMENT ON COLUMN augur.routes.group_interval IS 'time between two messages of a group; at most group_wait for critical ones';
COMMENT ON COLUMN augur.routes.repeat_interval IS 'a warning or error that says what was last said about its object is kept back so long';
COMMENT ON COLUMN augur.routes.digest IS 'true: one message for a group; false: one for each event, at once';
COMMENT ON COLUMN augur.routes.continues IS 'true: routes after it are asked, too';
COMMENT ON COLUMN augur.routes.created_by IS 'the user who made it';
COMMENT ON COLUMN augur.routes.created_at IS 'when it was made';
COMMENT ON TABLE augur.silences IS 'Events that nobody is to be told of for a while. Made by augur.silence.';
COMMENT ON COLUMN augur.silences.id IS 'number of the silence, for augur.unsilence';
COMMENT ON COLUMN augur.silences.kinds IS 'kinds of events, with * and ?; empty: all';
COMMENT ON COLUMN augur.silences.model IS 'name of the model, with * and ?; NULL: any, or none';
COMMENT ON COLUMN augur.silences.subject IS 'subject of the event, with * and ?; NULL: any';
COMMENT ON COLUMN augur.silences.payload IS 'what the payload must contain (@>)';
COMMENT ON COLUMN augur.silences.starts_at IS 'from when on';
COMMENT ON COLUMN augur.silences.ends_at IS 'until when';
COMMENT ON COLUMN augur.silences.comment IS 'why';
COMMENT ON COLUMN augur.silences.author IS 'the user who asked for it';
COMMENT ON TABLE augur.notifications IS
'The outbox: a row for each event that a route took, written with the event. Not dumped. augur.notification_log is for reading.';
COMMENT ON COLUMN augur.notifications.id IS 'number of the notification';
COMMENT ON COLUMN augur.notifications.event_id IS 'the event; NULL for what augur itself has to say (a test, events kept back)';
COMMENT ON COLUMN augur.notifications.channel_id IS 'where it goes';
COMMENT ON COLUMN augur.notifications.route_id IS 'the route that took it';
COMMENT ON COLUMN augur.notifications.kind IS 'kind of the event';
COMMENT ON COLUMN augur.notifications.severity IS 'severity of the event';
COMMENT ON COLUMN augur.notifications.subject IS 'subject of the event';
COMMENT ON COLUMN augur.notifications.object IS 'what it is about: the model, pipeline, suite or table';
COMMENT ON COLUMN augur.notifications.topic IS 'what the kind belongs to: drift for drift_found and drift_resolved';
COMMENT ON COLUMN augur.notifications.resolves IS 'whether it tells the end of something';
COMMENT ON COLUMN augur.notifications.needs_told IS 'only told when its beginning was';
COMMENT ON COLUMN augur.notifications.group_key IS 'rows of a route with the same key share messages';
COMMENT ON COLUMN augur.notifications.status IS
'queued; sending (a deliverer holds the lease); retry_wait; sent; grouped (part of the message parent_id); suppressed (silence, repetition, too many an hour); expired (older than max_age); dead (refused or given up)';
COMMENT ON COLUMN augur.notifications.queued_at IS 'when it was queued';
COMMENT ON COLUMN augur.notifications.attempts IS 'attempts that count: a 429 does not';
COMMENT ON COLUMN augur.notifications.next_at IS 'when a row in retry_wait is tried again';
COMMENT ON COLUMN augur.notifications.lease_owner IS 'the deliverer that has it';
COMMENT ON COLUMN augur.notifications.lease_until IS 'until when; after that it is sent again';
COMMENT ON COLUMN augur.notifications.parent_id IS 'the notification whose message tells of it';
COMMENT ON COLUMN augur.notifications.events IS 'events of its message';
COMMENT ON COLUMN augur.notifications.plain IS 'the receiver refused the blocks, so it goes as plain text';
COMMENT ON COLUMN augur.notifications.reason IS 'why it was suppressed, waits or died';
COMMENT ON COLUMN augur.notifications.ended_at IS 'when it got its final status';
COMMENT ON TABLE augur.notification_attempts IS
'Every attempt to send, with what the receiver answered. Kept as long as its notification.';
COMMENT ON COLUMN augur.notification_attempts.id IS 'number of the attempt';
COMMENT ON COLUMN augur.notification_attempts.notification_id IS 'the notification';
COMMENT ON COLUMN augur.notification_attempts.attempt IS 'the how manyeth attempt';
COMMENT ON COLUMN augur.notification_attempts.at IS 'when its result was written';
COMMENT ON COLUMN augur.notification_attempts.outcome IS 'the status it led to, or lease lost: another deliverer has it by now';
COMMENT ON COLUMN augur.notification_attempts.http IS 'status that the receiver answered; NULL when it did not';
COMMENT ON COLUMN augur.notification_attempts.error IS 'what went wrong, without the address';
COMMENT ON COLUMN augur.notification_attempts.response IS 'the beginning of the answer';
COMMENT ON COLUMN augur.notification_attempts.seconds IS 'how long it took';
COMMENT ON COLUMN augur.notification_attempts.deliverer IS 'who tried: a session or the worker, by process id';
