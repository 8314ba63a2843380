/*-------------------------------------------------------------------------
 *
 * settings.c
 *		The settings under augur.*: names, units, ranges and what they mean.
 *
 * Most can be set by any user for the own session, as maintenance_work_mem can; where
 * notifications may go, and who sends them, is for superusers and the configuration.
 * The prefix is reserved, so that a misspelt setting is an error.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include <limits.h>

#include "miscadmin.h"
#include "utils/guc.h"

#include "feature.h"
#include "pipeline.h"

#define MIN_TRAINING_MEMORY_KB (256 * 1024)

int augur_training_memory_kb = 0;
int augur_model_cache_kb = 256 * 1024;
int augur_verbosity = 1;
/* read by the SQL function that writes events */
static bool notify = true;
char *augur_run = NULL;
/* read by augur_notify, by their names */
static char *secret_directory = NULL;
static char *notify_hosts = NULL;
static char *notify_private_hosts = NULL;
static char *notify_ca_file = NULL;
static char *notify_databases = NULL;
static char *notify_role = NULL;
static int notify_poll = 5000;

/*
 * Settings of notifications: nobody but a superuser can point the server at a place.
 */
static void
notify_settings_init(void)
{
	DefineCustomStringVariable(
		"augur.secret_directory",
		"Directory of the files with the addresses of notification channels.",
		"An absolute path. Each file holds one URL, belongs to the server's user "
		"and has mode 0600 or stricter; it is read anew for every message.",
		&secret_directory, "", PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("augur.notify_hosts", "Hosts that notifications may be sent to.",
							   "Separated by commas: \"host\" for port 443, or \"host:port\".",
							   &notify_hosts, "hooks.slack.com", PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable(
		"augur.notify_private_hosts",
		"Hosts of augur.notify_hosts that may have a private address.",
		"Separated by commas, as \"host:port\". Others are refused when their "
		"name resolves to a loopback, private, link-local or reserved address.",
		&notify_private_hosts, "", PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable(
		"augur.notify_ca_file",
		"File of the certificate authorities that receivers are verified with.",
		"PEM. Empty means those of the system.", &notify_ca_file, "", PGC_SUSET, 0, NULL, NULL,
		NULL);
	DefineCustomStringVariable("augur.notify_databases",
							   "Databases whose notifications the worker sends.",
							   "Separated by commas. Library augur_notify must be in "
							   "shared_preload_libraries.",
							   &notify_databases, "", PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("augur.notify_role",
							   "Role that the notification worker connects as.",
							   "It can log in, is no superuser, and has preset notifier in each of "
							   "augur.notify_databases.",
							   &notify_role, "", PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"augur.notify_poll", "How often the notification worker looks when nothing wakes it.",
		"Commits wake it, so this matters after a failover or a crash.", &notify_poll, 5000, 100,
		3600 * 1000, PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
}

/*
 * Defines the settings.  Called once, when the library is loaded; never fails.
 */
void
augur_settings_init(void)
{
	DefineCustomIntVariable(
		"augur.training_memory", "Memory that one training may use, with its parallel workers.",
		"The sum of the binned data, the working memory of every "
		"participant and the model is computed before it is allocated; "
		"over the limit the training first gives up workers, then fails. "
		"0 means maintenance_work_mem, but at least 256 MB.",
		&augur_training_memory_kb, 0, 0, MAX_KILOBYTES, PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);

	DefineCustomIntVariable("augur.model_cache_size",
							"Memory for decoded models that a session keeps for scoring.",
							"The least recently used models are dropped above it; a model "
							"that a running statement uses always stays.",
							&augur_model_cache_kb, 256 * 1024, 0, MAX_KILOBYTES, PGC_USERSET,
							GUC_UNIT_KB, NULL, NULL, NULL);

	DefineCustomIntVariable("augur.verbosity", "How much trainings tell by notices.",
							"0 is silent, 1 tells what was decided (task, features used and "
							"left out, split, gain over the baseline), 2 adds progress.",
							&augur_verbosity, 1, 0, 2, PGC_USERSET, 0, NULL, NULL, NULL);

	DefineCustomBoolVariable("augur.notify", "Tells listeners of channel augur of every event.",
							 "Events are written to augur.events either way. A transaction that "
							 "notified cannot be prepared for two-phase commit.",
							 &notify, true, PGC_USERSET, 0, NULL, NULL, NULL);

	DefineCustomStringVariable("augur.refresh_since",
							   "Where the input of an incremental refresh begins.",
							   "What augur.refresh_since() returns: set by "
							   "augur.refresh_feature_set, empty otherwise. Set it to try a "
							   "definition on less than everything.",
							   &augur_refresh_since, "", PGC_USERSET, 0, NULL, NULL, NULL);

	DefineCustomStringVariable("augur.run", "What a step of a pipeline runs for, as JSON.",
							   "What augur.param(), augur.logical_date() and their kin read: set "
							   "for each step, empty otherwise. Set it to try the SQL of a step: "
							   "{\"params\": {...}, \"logical_date\": ...}.",
							   &augur_run, "", PGC_USERSET, GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);

	notify_settings_init();

	MarkGUCPrefixReserved("augur");
}

/*
 * The budget of one training in bytes, as augur.training_memory describes.
 */
Size
augur_training_memory_bytes(void)
{
	int kb = augur_training_memory_kb;

	if (kb == 0)
		kb = Max(maintenance_work_mem, MIN_TRAINING_MEMORY_KB);
	return (Size) kb * 1024;
}
