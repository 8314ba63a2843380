# Input of the extension's types, as text and as binary, and the other functions that read bytes,
# given values that are nearly right (R3): whatever is refused is refused with an error of class
# 22 or 54 or XX001, whatever is accepted comes back as it went in and is safe to use, and the
# server lives.  Types and functions are taken from the catalog: a new one without seeds here fails.
#
# AUGUR_TEST_LONG=1 runs the full numbers of the reliability bar.  AUGUR_TEST_SEED=N draws other
# numbers; AUGUR_TEST_COUNT=N says how many values a type and format.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Damage;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use Wire;

my $count = $ENV{AUGUR_TEST_COUNT} || ($ENV{AUGUR_TEST_LONG} ? 2_000_000 : 8_000);
my $seed = $ENV{AUGUR_TEST_SEED} // 1;
use constant BATCH => 200;

my $node = PostgreSQL::Test::Cluster->new('type_io');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "augur.verbosity = 0\nfsync = off\nrestart_after_crash = on");
$node->start;
my $user = $node->safe_psql('postgres', 'SELECT current_user');

# --- seeds: small values of every kind ------------------------------------------------------
$node->safe_psql('postgres', <<'SQL');
SET TimeZone = 'UTC';
CREATE EXTENSION augur;
CREATE TABLE seeds (reader text, name text, value text);	-- as "\x" and hexadecimal digits

CREATE TABLE few AS
SELECT i, CASE WHEN i % 11 > 0 THEN i % 7 END AS a, (ARRAY['red', 'green', 'blue'])[1 + i % 3] AS b,
	date '2020-01-01' + i AS c, ARRAY[i % 5, i % 2]::float8[] AS d,
	(i % 7) * 1.5 + i % 3 + i % 5 * 0.1 AS y, (i % 3)::text AS k, i % 4 = 1 AS t
FROM generate_series(1, 60) i;
DO $$
DECLARE
	a record;
	target text;
BEGIN
	FOR a IN SELECT * FROM augur.algorithms LOOP
		FOREACH target IN ARRAY CASE WHEN a.regression THEN '{y}'::text[] ELSE '{}' END
			|| CASE WHEN a.classification THEN '{k,t}'::text[] ELSE '{}' END
		LOOP
			PERFORM augur.train(a.algorithm || '_' || target, 'few', target, algorithm => a.algorithm,
				features => CASE target WHEN 't' THEN '{a,b}' ELSE '{a,b,c,d}' END::name[],
				params => CASE a.algorithm WHEN 'random_forest' THEN '{"n_trees": 2, "max_depth": 3}'
					WHEN 'gradient_boosting' THEN '{"n_trees": 3, "max_depth": 3}' ELSE '{}' END::jsonb);
		END LOOP;
	END LOOP;
END $$;
SELECT augur.train('stopped', 'few', 'y', algorithm => 'gradient_boosting', features => '{a}',
	params => '{"n_trees": 4, "early_stopping_rounds": 2, "loss": "poisson"}');
SELECT augur.train('weighed', 'few', 'k', features => '{a,b}',
	params => '{"n_trees": 2, "importance": "permutation"}');
INSERT INTO seeds
SELECT 'augur.profile', 'numbers of ' || n, augur.profile(nullif(i * 7919 % 101, 7) + 0.5)::text
FROM unnest('{1,5,60,700}'::int[]) n, generate_series(1, n) i GROUP BY n UNION ALL
SELECT 'augur.profile', 'labels of ' || n, augur.profile(CASE WHEN i % 5 > 0 THEN 'label' || i * i % 17 END)::text
FROM unnest('{1,9,80}'::int[]) n, generate_series(1, n) i GROUP BY n UNION ALL
SELECT 'augur.profile', 'truth', augur.profile(t)::text FROM few UNION ALL
SELECT 'augur.profile', 'date', augur.profile(c)::text FROM few UNION ALL
SELECT 'augur.profile', 'moment', augur.profile(c::timestamptz)::text FROM few UNION ALL
SELECT 'augur.profile', 'bytes', augur.profile(b::"char")::text FROM few UNION ALL
SELECT 'augur.profile', 'nulls', augur.profile(NULL::float8)::text FROM few;

CREATE TABLE stream AS SELECT n, array_agg((i * 7919 % 10 < CASE WHEN i < 200 THEN 1 ELSE 5 END)::int::float8 ORDER BY i) AS x
FROM unnest('{0,40,300}'::int[]) n LEFT JOIN generate_series(1, 300) i ON i <= n GROUP BY n;
INSERT INTO seeds
SELECT 'augur.detector', format('%s of %s', detector, n),
	CASE n WHEN 0 THEN augur.new_detector(detector) ELSE augur.detector_update(augur.new_detector(detector), x) END::text
FROM augur.detectors, stream;

CREATE TABLE days AS SELECT date '2024-01-01' + i AS day, 20 + i % 7 + i * 0.25 + i * 7919 % 13 * 0.1 AS v,
	(i % 9 = 0)::int::float8 AS promo, i % 3 AS shop FROM generate_series(0, 41) i;
DO $$
DECLARE
	m text;
BEGIN
	FOR m IN SELECT method FROM augur.forecast_methods LOOP
		PERFORM augur.train_forecast('series_' || m, 'days', 'day', 'v', method => m, horizon => 2, levels => '{0.9}');
	END LOOP;
	PERFORM augur.train_forecast('known', 'days', 'day', 'v', method => 'arima', horizon => 2, levels => '{0.9}',
		regressors => '{promo}');
	PERFORM augur.train_forecast('many', 'days', 'day', 'v', series => '{shop}', regressors => '{promo}', season => '{1}',
		method => 'global_boosting', horizon => 2, levels => '{0.9}', frequency => '3 days',
		params => '{"n_trees": 2, "early_stopping_rounds": "none", "folds": 1, "lags": 2, "max_leaf_nodes": 3, "min_samples_leaf": 5}');
END $$;
INSERT INTO seeds
SELECT CASE m.name WHEN 'many' THEN 'member' ELSE 'series' END, format('%s %s', m.name, t.series_no), t.state::text
FROM augur.models m JOIN augur.versions v ON v.model_id = m.id JOIN augur.version_states t ON t.version_id = v.id;
INSERT INTO seeds
SELECT CASE m.name WHEN 'many' THEN 'panel' ELSE 'augur.model' END, m.name, '\x' || string_agg(encode(c.bytes, 'hex'), '' ORDER BY c.seq)
FROM augur.models m JOIN augur.versions v ON v.model_id = m.id JOIN augur.version_chunks c ON c.version_id = v.id
WHERE m.name = 'many' OR v.algorithm IN (SELECT algorithm FROM augur.algorithms)
GROUP BY m.name;
INSERT INTO seeds SELECT 'points', 'of ' || n, augur._series_points_agg(day, v ORDER BY day)::text
FROM unnest('{1,3,20}'::int[]) n, days WHERE day < date '2024-01-01' + n GROUP BY n;
SQL

my $future = q{(SELECT array_agg(d) FROM generate_series(timestamptz '2024-02-10', '2024-02-29', '1 day') d),}
  . ' array_fill(1::float8, ARRAY[20])';
my $few = '(SELECT few.* FROM few WHERE i < 4) s';

# Readers of bytes: the statement that reads, with what the server's own type of $1 is, and those
# that use a value that was accepted.
my %reader = (
	'augur.model' => { uses => [
		(map { "SELECT count(augur.$_) FROM $few" } 'predict($1, s)', 'classify($1, s)', 'probabilities($1, s)',
			'predict_full($1, s)', 'predict_full($1, (NULL::int, NULL::text, NULL::date, NULL::float8[]))'),
		'SELECT augur.model_info($1)', 'SELECT count(*) FROM augur.coefficients($1)',
		q{SELECT augur.register('registered ' || md5(format('%s', $1)), $1)} ], every => [ (0) x 7, 10 ] },
	'augur.profile' => { uses => [
		'SELECT augur.profile_info($1)', 'SELECT augur.profile_json($1)',
		q{SELECT augur.profile_quantiles($1, '{0,0.01,0.5,1}')}, 'SELECT augur.profile_rank($1, 3)',
		'SELECT count(*) FROM augur.profile_labels($1, 5)', 'SELECT count(*) FROM augur.profile_histogram($1, 4)',
		q{SELECT (augur.merge_profiles(p))::text FROM unnest(ARRAY[$1, $1]) p},
		(map { ("SELECT augur.profile_difference(\$1, value::augur.profile) FROM seeds WHERE name = '$_'",
				"SELECT augur.profile_merge(value::augur.profile, \$1) FROM seeds WHERE name = '$_'") }
			'numbers of 60', 'labels of 80') ] },
	'augur.detector' => { uses => [
		'SELECT augur.detector_info($1)', q{SELECT augur.detector_update($1, '{0,1,1,0,1,0,0,0,1}')},
		'SELECT augur.detector_update($1, (SELECT x FROM stream WHERE n = 300))' ] },
	series => { read => 'SELECT count(*) FROM augur._series_history($1::bytea)', uses => [
		q{SELECT count(*) FROM augur._series_forecast($1::bytea, 3, '{0.5}')},
		'SELECT count(*) FROM augur._series_forecast($1::bytea, NULL, NULL)',
		"SELECT count(*) FROM augur._series_forecast(\$1::bytea, 3, NULL, $future)" ] },
	member => { read => "SELECT count(*) FROM augur._panel_forecast((SELECT value::bytea FROM seeds WHERE reader = 'panel'),"
		  . " \$1::bytea, 3, '{0.5}', $future)" },
	panel => { read => "SELECT count(*) FROM augur._panel_forecast(\$1::bytea,"
		  . " (SELECT value::bytea FROM seeds WHERE reader = 'member' ORDER BY name LIMIT 1), 3, '{0.5}', $future)" },
	points => { read => q{SELECT count(*) FROM augur._hierarchy(format($$SELECT ARRAY[1::bigint], ARRAY['{}'::jsonb], %L::bytea$$,}
		  . q{ $1::bytea), 'date', 2, 'none', '{"method": "drift"}')} });

# --- what the catalog has ------------------------------------------------------------------
my $wire = Wire->new($node->host, $node->port, $user, 'postgres');
my $member = q{(SELECT objid FROM pg_depend WHERE classid = 'pg_%s'::regclass AND refclassid = 'pg_extension'::regclass}
  . q{ AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'augur') AND deptype = 'e')};
my @types = $wire->query('SELECT oid::regtype FROM pg_type WHERE typtype = $$b$$ AND typelem = 0 AND oid IN '
	  . sprintf($member, 'type') . ' ORDER BY oid::regtype::text');
is_deeply([ sort @types ], [ sort grep { /^augur\./ } keys %reader ], 'there are seeds of every type');
is_deeply([ $wire->query('SELECT proname FROM pg_proc WHERE $$bytea$$::regtype = ANY (proargtypes)'
		  . ' AND NOT $$internal$$::regtype = ANY (proargtypes) AND prolang = (SELECT oid FROM pg_language WHERE lanname = $$c$$)'
		  . ' AND oid IN ' . sprintf($member, 'proc') . ' ORDER BY proname') ],
	[qw(_panel_forecast _series_forecast _series_history)], 'every function that reads a bytea is called here');
is_deeply([ $wire->query('SELECT algorithm FROM augur.algorithms WHERE NOT EXISTS'
		  . ' (SELECT FROM seeds WHERE reader = $$augur.model$$ AND starts_with(name, algorithm))') ],
	[], 'there are seeds of every algorithm');

# --- damaged values ------------------------------------------------------------------------
my $findings = 0;

sub finding
{
	my ($what, $value) = @_;
	my $file = sprintf '%s/type_io_finding_%d.txt', $PostgreSQL::Test::Utils::log_path, ++$findings;

	append_to_file($file, "$what\n" . unpack('H*', $value) . "\n");
	diag("$what\n  the value is in $file") if $findings <= 20;
	return;
}

# Of a use: the value may be of another kind, or know other columns.  Of a function: the series may
# end elsewhere.
sub allowed
{
	my ($state, $is_use, $is_type) = @_;
	return $state =~ /^(?:22|54)/ || $state eq 'XX001' || ($is_use && $state =~ /^(?:42|55000)/)
	  || (!$is_type && $state eq 'P0002');
}

sub connected
{
	my ($name, $uses) = @_;
	my $read = $reader{$name}{read} // "SELECT \$1::$name";

	for my $try (1 .. 60)
	{
		# after a crash the server takes a while
		$wire = eval { Wire->new($node->host, $node->port, $user, 'postgres') } and last;
		die $@ if $try == 60;
		sleep 1;
	}
	# the log would be of errors that are wanted; those that are not are found here
	$wire->query('SET log_min_messages = fatal; SET plan_cache_mode = force_generic_plan;'
		  . " SET statement_timeout = '60s'; SET TimeZone = 'UTC'");
	$wire->prepare('read', $read);
	$wire->prepare("use$_", $uses->[$_] =~ s/\$1(?!::)/\$1::$name/gr) for 0 .. $#$uses;
	return;
}

# Sends $n values that are nearly right, and uses those that are accepted.
sub storm
{
	my ($name, $format, $n) = @_;
	my $is_type = $name =~ /^augur\./;
	my $uses = $reader{$name}{uses} // [];
	my @seeds = map { pack('H*', substr($_, 2)) }
	  $wire->query("SELECT value FROM seeds WHERE reader = '$name' ORDER BY name");
	my $damage = Damage->new(@seeds);
	my $what = $name . ($format ? ' binary' : ' text');
	my $start = time;
	my (%seen, %used, @under_way);
	my ($sent, $before) = (0, $findings);

	connected($name, $uses);
	while (@under_way || $sent < $n)
	{
		while ($sent < $n && grep({ !defined $_->{use} } @under_way) < 2)
		{
			# a batch can be made again alone
			my $number = $sent / BATCH;
			srand(unpack('%31C*', $what) * 65536 + $seed * 1_000_003 + $number);
			my @values = map { [ $format ? $damage->binary : $damage->text ] } 1 .. BATCH;
			$wire->submit('read', $format, $format, map { $_->[1] } @values);
			push @under_way, { number => $number, values => \@values };
			$sent += BATCH;
		}
		my $batch = shift @under_way;
		my $values = $batch->{values};
		my @answers = $wire->answers(scalar @$values);
		my $at = "$what, seed $seed, batch $batch->{number}";
		my @accepted;
		for my $i (0 .. $#answers)
		{
			my ($state, $text) = @{ $answers[$i] };
			my ($kind, $value) = @{ $values->[$i] };
			if (defined $batch->{use})
			{
				$used{ $state // 'accepted' }++;
				finding("$at, value $i: $uses->[$batch->{use}]: $state $text", $value)
				  if defined $state && !allowed($state, 1, $is_type);
				finding("$at, value $i: $uses->[$batch->{use}]: an answer that is not UTF-8: " . unpack('H*', $text), $value)
				  if defined $text && !utf8::decode(my $copy = $text);
				next;
			}
			$seen{$kind}{ $state // 'accepted' }++;
			if (defined $state)
			{
				finding("$at, value $i: $state $text", $value)
				  unless allowed($state, 0, $is_type) && utf8::decode(my $copy = $text);
				next;
			}
			finding("$at, value $i: came back changed", $value)
			  if $is_type && $text ne ($format ? $value : lc $value);
			push @accepted, [ $kind, $value ];
		}
		if (defined $wire->{lost})
		{
			my $use = defined $batch->{use} ? ": $uses->[$batch->{use}]" : '';
			my $value = $values->[ @answers < @$values ? @answers : -1 ][1];
			finding("$at, value " . @answers . "$use: $wire->{lost}", $value);
			connected($name, $uses);
			last;
		}
		next unless @accepted;
		foreach my $use (0 .. $#$uses)
		{
			my $sometimes = $reader{$name}{every}[$use];
			next if $sometimes && $batch->{number} % $sometimes != 0;
			$wire->submit("use$use", $format, 0, map { $_->[1] } @accepted);
			push @under_way, { number => $batch->{number}, values => \@accepted, use => $use };
		}
	}

	my $seconds = time - $start;
	my $table = join '; ', map { my $kind = $_;
		"$kind: " . join(', ', map { "$_ $seen{$kind}{$_}" } sort keys %{ $seen{$kind} }) } sort keys %seen;
	note(sprintf '%s: %d values in %.1f s, %.0f a second; %s', $what, $sent, $seconds, $sent / $seconds, $table);
	note("$what, uses: " . join(', ', map { "$_ $used{$_}" } sort keys %used)) if %used;
	my %sum;
	foreach my $kind (values %seen) { $sum{$_} += $kind->{$_} foreach keys %$kind }
	is($findings, $before, "$what: $sent damaged values refused, or accepted and safe");
	cmp_ok($sum{accepted} // 0, '>', $n / 1000, "$what: some are well formed");
	cmp_ok($sent - ($sum{accepted} // 0), '>', $n / 10, "$what: many are refused");
	return;
}

storm($_, 0, $count), storm($_, 1, $count) foreach @types;
storm($_, 1, $count / 40) foreach grep { !/^augur\./ } sort keys %reader;
ok(slurp_file($node->logfile) !~ /terminated by signal|reinitializing/, 'no process of the server died');

# --- other ways in -------------------------------------------------------------------------
my $dir = PostgreSQL::Test::Utils::tempdir();
chmod 0777, $dir;
foreach my $type (@types)
{
	my $file = "$dir/$type.copy";
	$node->safe_psql('postgres', <<"SQL");
CREATE TABLE vault AS SELECT name, value::$type AS value FROM seeds WHERE reader = '$type';
CREATE TABLE copied (name text, value $type);
COPY vault TO '$file' (FORMAT binary);
COPY copied FROM '$file' (FORMAT binary);
SQL
	is($node->safe_psql('postgres', "SELECT count(*) = (SELECT count(*) FROM seeds WHERE reader = '$type'), count(DISTINCT name) = count(*)"
			  . ' FROM copied JOIN seeds USING (name) WHERE copied.value::text = seeds.value'),
		't|t', "$type: binary COPY out and in is lossless");
	my $bytes = slurp_file($file);
	substr($bytes, -10, 1) ^= "\x10";
	append_to_file("$file.damaged", $bytes);
	chmod 0644, "$file.damaged";
	like(($node->psql('postgres', "\\set VERBOSITY sqlstate\nCOPY copied FROM '$file.damaged' (FORMAT binary)"))[2],
		qr/22P03/, "$type: COPY of a damaged value is refused");

	# from 16 on errors are soft
  SKIP:
	{
		skip 'soft errors of input functions came with 16', 2 if $node->pg_version < 16;
		is($node->safe_psql('postgres', "SELECT pg_input_is_valid('\\x00', '$type')"),
			'f', "$type: pg_input_is_valid says no without an error");
		is($node->safe_psql('postgres', "SELECT bool_and(pg_input_is_valid(value::text, '$type')) FROM vault"),
			't', "$type: pg_input_is_valid says yes to a value");
	}
	$node->safe_psql('postgres', 'DROP TABLE vault, copied');
}

$node->stop;
done_testing();
