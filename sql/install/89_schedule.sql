-- schedule: the slots of a schedule, a text as cron has it or an interval, in a time zone.
--
-- After 89_pipeline in name order.

CREATE OR REPLACE FUNCTION augur.next_slots(schedule text, timezone text DEFAULT 'UTC',
	after timestamptz DEFAULT now(), n integer DEFAULT 10, start timestamptz DEFAULT NULL)
	RETURNS SETOF timestamptz
	AS 'MODULE_PATHNAME', 'augur_schedule_next'
	LANGUAGE C STABLE PARALLEL SAFE ROWS 10 COST 100;
COMMENT ON FUNCTION augur.next_slots(text, text, timestamptz, integer, timestamptz) IS
'The next n times of a schedule after a point in time. schedule: five fields (minute, hour, day of month, month, day of week) with names, lists, ranges, steps, L for the last day of the month, fri#2 and friL; @hourly, @daily, @weekly, @monthly, @yearly; or every with months, days or time, as every 90 minutes, counted from start, else from midnight of Monday 2000-01-03. Clocks that change: when minute or hour begins with a star, slots are wherever the clock shows such a time; otherwise a time that is skipped comes once, right after the gap, and one that is repeated comes the first time only. Example: SELECT augur.next_slots(''30 6 * * mon-fri'', ''Europe/Berlin'', n => 5)';

CREATE OR REPLACE FUNCTION augur._slot_before(schedule text, timezone text, start timestamptz,
	at timestamptz) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'augur_schedule_before'
	LANGUAGE C STABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION augur._slot_before(text, text, timestamptz, timestamptz) IS
'Internal. The last slot before a point in time, where the data interval of a slot begins.';

CREATE OR REPLACE FUNCTION augur._slots_due(schedule text, timezone text, start timestamptz,
	first timestamptz, as_of timestamptz, OUT slots bigint, OUT last timestamptz,
	OUT before_last timestamptz, OUT next timestamptz) RETURNS record
	AS 'MODULE_PATHNAME', 'augur_schedule_due'
	LANGUAGE C STABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION augur._slots_due(text, text, timestamptz, timestamptz, timestamptz) IS
'Internal. Of the slots from first on that have come by as_of their number, the last, the one before it, and the next to come.';
