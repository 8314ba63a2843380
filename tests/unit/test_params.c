/*-------------------------------------------------------------------------
 *
 * test_params.c
 *		Hyperparameters: types, ranges, maps, canonical text, hints.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "../../src/core/params.h"

enum
{
	P_TREES,
	P_RATE,
	P_SPLIT,
	P_FEATURES,
	P_WEIGHT,
	P_REPLACE,
	P_ANY
};

static const AugParamSpec specs[] = {
	{"n_trees", AUG_PARAM_INT, "100", 1, 10000, NULL, "Number of trees."},
	{"learning_rate", AUG_PARAM_REAL, "0.1", 1e-6, 1, NULL, "Step."},
	{"splitter", AUG_PARAM_CHOICE, "best", 0, 0, "best|random", "How to split."},
	{"max_features", AUG_PARAM_MIXED, "sqrt", 0.001, 65000, "sqrt|third|all", "Features a node."},
	{"class_weight", AUG_PARAM_MAP, "none", 0, 1e6, "none|balanced", "Weights."},
	{"replace", AUG_PARAM_BOOL, "true", 0, 1, NULL, "With replacement."},
	{"any", AUG_PARAM_REAL, "0", -1e308, 1e308, NULL, "Any number."},
};

static const AugAlgorithm algorithm = {
	"toy", "Toy", "For tests.", true, true, false, sizeof(specs) / sizeof(specs[0]), specs};

static AugParams *
fresh(UnitHost *h)
{
	AugParams *params = NULL;
	AugError err;

	unit_host(h);
	CHECK(aug_params_new(&h->host, &algorithm, &params, &err) == AUG_OK && params != NULL);
	return params;
}

static void
test_defaults(void)
{
	UnitHost h;
	AugParams *p = fresh(&h);

	for (uint32_t i = 0; i < algorithm.n_params; i++)
		CHECK_TEXT(aug_params_value(p, i), specs[i].fallback);
	CHECK(aug_param_number(p, P_TREES) == 100 && aug_param_choice(p, P_TREES) == -1);
	CHECK(aug_param_number(p, P_RATE) == 0.1);
	CHECK(aug_param_choice(p, P_SPLIT) == 0);
	CHECK(aug_param_choice(p, P_FEATURES) == 0 && isnan(aug_param_number(p, P_FEATURES)));
	CHECK(aug_param_choice(p, P_WEIGHT) == 0 && aug_param_pairs(p, P_WEIGHT) == 0);
	CHECK(aug_param_number(p, P_REPLACE) == 1);
	aug_params_free(p);
	aug_params_free(NULL);
	CHECK(h.live == 0);
}

typedef struct Try
{
	const char *name;
	const char *value;
	const char *canonical; /* NULL: refused */
} Try;

static void
test_set(void)
{
	static const Try tries[] = {
		{"n_trees", "1", "1"},
		{"n_trees", "10000", "10000"},
		{"n_trees", "5e2", "500"},
		{"n_trees", "+7", "7"},
		{"n_trees", "7.0", "7"},
		{"n_trees", "0", NULL},
		{"n_trees", "10001", NULL},
		{"n_trees", "-1", NULL},
		{"n_trees", "1.5", NULL},
		{"n_trees", "", NULL},
		{"n_trees", " 1", NULL},
		{"n_trees", "1 ", NULL},
		{"n_trees", "0x10", NULL},
		{"n_trees", "1e400", NULL},
		{"n_trees", "inf", NULL},
		{"n_trees", "nan", NULL},
		{"n_trees", "ten", NULL},
		{"n_trees", "1,5", NULL},
		{"n_trees", "1e", NULL},
		{"n_trees", "--1", NULL},
		{"learning_rate", "0.30000000000000004", "0.30000000000000004"},
		{"learning_rate", "3e-1", "0.3"},
		{"learning_rate", "1", "1"},
		{"learning_rate", "0", NULL},
		{"learning_rate", "1.0000000000000002", NULL},
		{"splitter", "random", "random"},
		{"splitter", "Random", NULL},
		{"splitter", "rand", NULL},
		{"splitter", "best|random", NULL},
		{"splitter", "1", NULL},
		{"splitter", "", NULL},
		{"max_features", "third", "third"},
		{"max_features", "0.5", "0.5"},
		{"max_features", "12", "12"},
		{"max_features", "0", NULL},
		{"max_features", "half", NULL},
		{"class_weight", "balanced", "balanced"},
		{"class_weight", "3", NULL},
		{"class_weight", "{}", NULL},
		{"class_weight", "{\"a\":2}", "{\"a\": 2}"},
		{"class_weight", " {\"a\":2}", NULL},
		{"class_weight", "{\"b\": 1e0 , \"a\" : 0.50}", "{\"a\": 0.5, \"b\": 1}"},
		{"class_weight", "{\"a\": 1, \"a\": 2}", "{\"a\": 2}"},
		{"class_weight", "{\"a\": -1}", NULL},
		{"class_weight", "{\"a\": 1,}", NULL},
		{"class_weight", "{\"a\" 1}", NULL},
		{"class_weight", "{a: 1}", NULL},
		{"class_weight", "{\"a\": 1} x", NULL},
		{"class_weight", "{\"a\": \"1\"}", NULL},
		{"class_weight", "{\"a\": true}", NULL},
		{"class_weight", "{\"\\u0041\\n\\\"\\\\\\/\\b\\f\\r\\t\": 1}",
		 "{\"A\\u000a\\\"\\\\/\\u0008\\u000c\\u000d\\u0009\": 1}"},
		{"class_weight", "{\"\\u00e9\": 1}", NULL},
		{"class_weight", "{\"\\u0000\": 1}", NULL},
		{"class_weight", "{\"\\u00\": 1}", NULL},
		{"class_weight", "{\"\\x\": 1}", NULL},
		{"class_weight", "{\"a", NULL},
		{"class_weight", "{\"\\", NULL},
		{"class_weight", "{\"\": 1}", "{\"\": 1}"},
		{"replace", "false", "false"},
		{"replace", "off", "false"},
		{"replace", "yes", "true"},
		{"replace", "1", "true"},
		{"replace", "0", "false"},
		{"replace", "TRUE", NULL},
		{"replace", "2", NULL},
		{"any", "-0", "0"},
		{"any", "1e308", "1e+308"},
		{"any", "-1e-320", "-9.99988867182683e-321"},
		{"n_tree", "5", NULL},
	};

	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
	{
		UnitHost h;
		AugError err;
		AugParams *p = fresh(&h);
		const Try *t = &tries[i];
		AugStatus status = aug_params_set(p, t->name, t->value, &err);
		int at = aug_param_find(&algorithm, t->name);

		if (!CHECK((status == AUG_OK) == (t->canonical != NULL)))
			fprintf(stderr, "%s = '%s'\n", t->name, t->value);
		if (status == AUG_OK)
			CHECK_TEXT(aug_params_value(p, (uint32_t) at), t->canonical);
		else
		{
			CHECK(status == AUG_INVALID && err.message[0] != '\0');
			/* the old value is still there */
			if (at >= 0)
				CHECK_TEXT(aug_params_value(p, (uint32_t) at), specs[at].fallback);
		}
		aug_params_free(p);
		CHECK(h.live == 0);
	}
}

static void
expect_hint(AugStatus status, const AugError *err, const char *message, const char *hint)
{
	CHECK(status == AUG_INVALID);
	CHECK_TEXT(err->message, message);
	CHECK_TEXT(err->hint, hint);
}

static void
test_messages(void)
{
	UnitHost h;
	AugError err;
	AugParams *p = fresh(&h);
	AugStatus status;

	status = aug_params_set(p, "n_tres", "5", &err);
	expect_hint(status, &err, "unrecognized hyperparameter \"n_tres\" for algorithm \"toy\"",
				"Perhaps you meant \"n_trees\".");
	status = aug_params_set(p, "qqqqqqqq", "5", &err);
	expect_hint(status, &err, "unrecognized hyperparameter \"qqqqqqqq\" for algorithm \"toy\"", "");
	status = aug_params_set(p, "n_trees", "0", &err);
	expect_hint(status, &err, "value 0 for hyperparameter \"n_trees\" is out of range",
				"Accepted values are integers from 1 to 10000.");
	status = aug_params_set(p, "learning_rate", "fast", &err);
	expect_hint(status, &err, "invalid value for hyperparameter \"learning_rate\": \"fast\"",
				"Accepted values are numbers from 1e-06 to 1.");
	status = aug_params_set(p, "splitter", "x", &err);
	expect_hint(status, &err, "invalid value for hyperparameter \"splitter\": \"x\"",
				"Accepted values are best, random.");
	status = aug_params_set(p, "max_features", "x", &err);
	expect_hint(status, &err, "invalid value for hyperparameter \"max_features\": \"x\"",
				"Accepted values are sqrt, third, all, or a number from 0.001 to 65000.");
	status = aug_params_set(p, "class_weight", "x", &err);
	expect_hint(status, &err, "invalid value for hyperparameter \"class_weight\": \"x\"",
				"Accepted values are none, balanced, or an object of labels with "
				"numbers from 0 to 1000000.");
	status = aug_params_set(p, "replace", "maybe", &err);
	expect_hint(status, &err, "invalid value for hyperparameter \"replace\": \"maybe\"",
				"Accepted values are true and false.");
	status = aug_params_set_pair(p, "n_trees", "a", 1, &err);
	expect_hint(status, &err, "hyperparameter \"n_trees\" does not take labels",
				"Accepted values are integers from 1 to 10000.");
	CHECK(aug_params_set_pair(p, "class_weights", "a", 1, &err) == AUG_INVALID);
	CHECK_TEXT(err.hint, "Perhaps you meant \"class_weight\".");
	CHECK(aug_params_set_pair(p, "class_weight", "a", NAN, &err) == AUG_INVALID);
	CHECK(aug_params_set_pair(p, "class_weight", "a", -0.5, &err) == AUG_INVALID);
	aug_params_free(p);

	/* choices too many for one hint are cut, not overrun */
	{
		static const AugParamSpec many[] = {
			{"many", AUG_PARAM_CHOICE, "a234567890123456789012345678901234567890", 0, 0,
			 "a234567890123456789012345678901234567890|b234567890123456789012345678901234567890|"
			 "c234567890123456789012345678901234567890|d234567890123456789012345678901234567890|"
			 "e234567890123456789012345678901234567890|f234567890123456789012345678901234567890",
			 "Many."}};
		static const AugAlgorithm wordy = {"wordy", "", "", true, true, false, 1, many};
		static const AugAlgorithm bare = {"bare", "", "", true, true, false, 0, NULL};
		static const AugParamSpec wrong[] = {{"w", AUG_PARAM_INT, "0", 1, 2, NULL, ""}};
		static const AugAlgorithm bad = {"bad", "", "", true, true, false, 1, wrong};

		CHECK(aug_params_new(&h.host, &wordy, &p, &err) == AUG_OK);
		CHECK(aug_params_set(p, "many", "f", &err) == AUG_INVALID);
		CHECK(strstr(err.hint, "e234567890123456789012345678901234567890, ....") != NULL);
		CHECK(strstr(err.hint, "f2345") == NULL);
		aug_params_free(p);
		CHECK(aug_params_new(&h.host, &bare, &p, &err) == AUG_OK);
		CHECK(aug_params_set(p, "many", "f", &err) == AUG_INVALID);
		CHECK_TEXT(err.hint, "This algorithm has no hyperparameters.");
		aug_params_free(p);
		/* a table whose default is out of its own range does not go unnoticed */
		CHECK(aug_params_new(&h.host, &bad, &p, &err) == AUG_INVALID && p == NULL);
	}
	CHECK(h.live == 0);
}

static void
test_pairs(void)
{
	UnitHost h;
	AugError err;
	AugParams *p = fresh(&h);
	char label[32];
	double value;

	/* in an order that is neither ascending nor descending */
	for (uint32_t i = 0; i < 2000; i++)
	{
		snprintf(label, sizeof(label), "class %05u \"q\"", (i * 769) % 2000);
		CHECK(aug_params_set_pair(p, "class_weight", label, i, &err) == AUG_OK);
	}
	CHECK(aug_param_pairs(p, P_WEIGHT) == 2000 && aug_param_choice(p, P_WEIGHT) == -1);
	CHECK_TEXT(aug_param_pair(p, P_WEIGHT, 1, &value), "class 00001 \"q\"");
	CHECK((uint32_t) value * 769 % 2000 == 1);
	CHECK(strstr(aug_params_value(p, P_WEIGHT), "{\"class 00000 \\\"q\\\"\": 0, ") != NULL);
	CHECK(aug_params_set_pair(p, "class_weight", "class 00000 \"q\"", 0.125, &err) == AUG_OK);
	CHECK(aug_param_pairs(p, P_WEIGHT) == 2000);
	CHECK(strstr(aug_params_value(p, P_WEIGHT), "{\"class 00000 \\\"q\\\"\": 0.125, ") != NULL);
	CHECK(aug_params_set(p, "class_weight", "none", &err) == AUG_OK);
	CHECK(aug_param_pairs(p, P_WEIGHT) == 0 && aug_param_choice(p, P_WEIGHT) == 0);
	CHECK_TEXT(aug_params_value(p, P_WEIGHT), "none");
	aug_params_free(p);
	CHECK(h.live == 0);
}

static void
test_pair_limit(void)
{
	UnitHost h;
	AugError err;
	AugParams *p = fresh(&h);
	char label[16];
	bool ok = true;

	if (getenv("UNIT_SHORT") != NULL)
	{
		aug_params_free(p);
		return;
	}
	for (uint32_t i = 0; i < AUG_MAX_CLASSES; i++)
	{
		snprintf(label, sizeof(label), "%05u", i);
		ok &= aug_params_set_pair(p, "class_weight", label, 1, &err) == AUG_OK;
	}
	CHECK(ok);
	CHECK(aug_params_set_pair(p, "class_weight", "x", 1, &err) == AUG_LIMIT);
	CHECK(aug_params_set_pair(p, "class_weight", "00000", 2, &err) == AUG_OK);
	aug_params_free(p);
	CHECK(h.live == 0);
}

/* Sets everything, makes the text, parses it, makes the text again. */
static AugStatus
round_trip(UnitHost *h, void *arg, AugError *err)
{
	AugParams *p = NULL, *q = NULL;
	char *text = NULL, *again = NULL;
	AugStatus status = aug_params_new(&h->host, &algorithm, &p, err);

	(void) arg;
	if (status == AUG_OK)
		status = aug_params_set(p, "max_features", "0.1", err);
	if (status == AUG_OK)
		status = aug_params_set(p, "learning_rate", "0.70000000000000007", err);
	if (status == AUG_OK)
		status = aug_params_set(p, "class_weight", "{\"no\": 1, \"y\\u0007es\": 4.25}", err);
	if (status == AUG_OK)
		status = aug_params_set_pair(p, "class_weight", "caf\xC3\xA9 \"x\"\\", 1.0 / 3, err);
	if (status == AUG_OK)
		status = aug_params_text(p, &text, err);
	if (status == AUG_OK)
	{
		CHECK_TEXT(text, "{\"n_trees\": 100, \"learning_rate\": 0.7000000000000001, "
						 "\"splitter\": \"best\", \"max_features\": 0.1, \"class_weight\": "
						 "{\"caf\xC3\xA9 \\\"x\\\"\\\\\": 0.3333333333333333, \"no\": 1, "
						 "\"y\\u0007es\": 4.25}, \"replace\": true, \"any\": 0}");
		status = aug_params_parse(&h->host, &algorithm, text, &q, err);
	}
	if (status == AUG_OK)
		status = aug_params_text(q, &again, err);
	if (status == AUG_OK)
	{
		double value;

		CHECK_TEXT(again, text);
		CHECK(aug_param_number(q, P_RATE) == 0.70000000000000007);
		aug_param_pair(q, P_WEIGHT, 0, &value);
		CHECK(value == 1.0 / 3);
	}
	h->host.release(h, text);
	h->host.release(h, again);
	aug_params_free(p);
	aug_params_free(q);
	return status;
}

static void
test_round_trip(void)
{
	CHECK(unit_fail_each(round_trip, NULL) > 20);
}

static void
test_parse(void)
{
	static const char *const good[] = {
		"{}",
		" { } ",
		"{\"n_trees\":5}",
		"{\"n_trees\": \"5\"}",
		"\n{\t\"replace\" : true,\r\"splitter\":\"random\"}\n",
		"{\"n_trees\": 5, \"n_trees\": 6}",
		"{\"class_weight\": {\"a\": 1}}",
		"{\"class_weight\": \"balanced\"}",
		"{\"n\\u005ftrees\": 5}",
	};
	static const char *const bad[] = {
		"",
		"x",
		"{",
		"}",
		"[]",
		"{\"n_trees\"}",
		"{\"n_trees\":}",
		"{\"n_trees\": 5",
		"{\"n_trees\": 5,}",
		"{\"n_trees\": 5 6}",
		"{\"n_trees\": 5} x",
		"{n_trees: 5}",
		"{\"n_trees\": {\"a\": 1}}",
		"{\"nothing\": {\"a\": 1}}",
		"{\"nothing\": 1}",
		"{\"n_trees\": [5]}",
		"{\"n_trees\": null}",
		"{\"n_trees\": \"5}",
		"{\"class_weight\": {}}",
		"{\"class_weight\": {\"a\": 1}",
		"{\"class_weight\": {\"a\": {\"b\": 1}}}",
		"{\"n_trees\": 0}",
		"{\"class_weight\": {\"a\": 1} \"n_trees\": 5}",
		"{\"a\x01\": 1}",
	};
	UnitHost h;
	AugError err;
	AugParams *p;

	unit_host(&h);
	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++)
	{
		if (!CHECK(aug_params_parse(&h.host, &algorithm, good[i], &p, &err) == AUG_OK))
			fprintf(stderr, "%s\n", good[i]);
		aug_params_free(p);
	}
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		if (!CHECK(aug_params_parse(&h.host, &algorithm, bad[i], &p, &err) == AUG_INVALID))
			fprintf(stderr, "%s\n", bad[i]);
		CHECK(p == NULL && err.message[0] != '\0');
	}
	CHECK(h.live == 0);
}

static void
test_nearest(void)
{
	static const char *const names[] = {"age", "region", "signup_date", "loyalty_points", "Total"};
	char lengthy[200];

	CHECK_TEXT(aug_nearest("reigon", names, 5), "region");
	CHECK_TEXT(aug_nearest("loyalty-points", names, 5), "loyalty_points");
	CHECK_TEXT(aug_nearest("loyaltypoint", names, 5), "loyalty_points");
	CHECK_TEXT(aug_nearest("TOTAL", names, 5), "Total");
	CHECK_TEXT(aug_nearest("ages", names, 5), "age");
	CHECK_TEXT(aug_nearest("signup", names, 1) == NULL ? "" : "x", "");
	CHECK(aug_nearest("zzzz", names, 5) == NULL);
	CHECK(aug_nearest("", names, 5) == NULL);
	CHECK(aug_nearest("age", names, 0) == NULL);
	memset(lengthy, 'a', sizeof(lengthy) - 1);
	lengthy[sizeof(lengthy) - 1] = '\0';
	CHECK(aug_nearest(lengthy, names, 5) == NULL);
	{
		const char *only[] = {lengthy};

		CHECK(aug_nearest("age", only, 1) == NULL);
	}
	/* the first of equals */
	{
		const char *const twins[] = {"ab1", "ab2"};

		CHECK_TEXT(aug_nearest("ab3", twins, 2), "ab1");
	}
}

static void
test_numbers(void)
{
	static const double numbers[] = {0,
									 1,
									 -1,
									 0.1,
									 1e22,
									 1e23,
									 123456789012345678.0,
									 5e-324,
									 1.7976931348623157e308,
									 2.2250738585072014e-308,
									 1.0 / 3,
									 100000,
									 1e15,
									 1e16};

	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
	{
		char text[AUG_NUMBER_SIZE];
		double back;

		CHECK(aug_number_text(numbers[i], text) == strlen(text));
		CHECK(aug_number_parse(text, &back) && back == numbers[i]);
	}
}

static const UnitTest tests[] = {
	{"defaults", test_defaults},	 {"set", test_set},
	{"messages", test_messages},	 {"pairs", test_pairs},
	{"pair_limit", test_pair_limit}, {"round_trip", test_round_trip},
	{"parse", test_parse},			 {"nearest", test_nearest},
	{"numbers", test_numbers},
};

UNIT_MAIN("params", tests);
