# augur: build, install and test.  `make help` lists the targets.
#
# Objects are listed per floor (docs/architecture.md): src/core is the numeric core,
# src/pg the PostgreSQL layer, src/notify the library that sends notifications.  The version lives in augur.control alone.

EXTENSION = augur
# Where this Makefile lies, empty when it is here: a build from another directory works too
# (make -f /path/to/augur/Makefile).
TOP := $(filter-out ./,$(dir $(lastword $(MAKEFILE_LIST))))
in_top = $(patsubst $(TOP)%,%,$(sort $(wildcard $(addprefix $(TOP),$(1)))))

EXTVERSION := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" $(TOP)augur.control)

MODULE_big = augur
CORE_OBJS = $(patsubst %.c,%.o,$(call in_top,src/core/*.c src/core/*/*.c))
PG_OBJS = $(patsubst %.c,%.o,$(call in_top,src/pg/*.c))
OBJS = $(CORE_OBJS) $(PG_OBJS)

INSTALL_PARTS = $(call in_top,sql/install/*.sql)
RERUNNABLE_PARTS = $(filter-out %.once.sql,$(INSTALL_PARTS))
DELTAS = $(call in_top,sql/upgrade/*--*.sql)
# sql/upgrade/0.1--0.2.sql -> augur--0.1--0.2.sql
UPGRADES = $(patsubst sql/upgrade/%.sql,augur--%.sql,$(DELTAS))
DATA_built = augur--$(EXTVERSION).sql $(UPGRADES)

REGRESS = $(patsubst sql/%.sql,%,$(call in_top,sql/*.sql))
# Each topic has a database of its own with the extension, and the same sort order on any server.
REGRESS_OPTS = --load-extension=augur --encoding=UTF8 --no-locale \
	--launcher=$(or $(TOP),./)tests/lib/own-database
ISOLATION = $(patsubst tests/isolation/specs/%.spec,%,$(call in_top,tests/isolation/specs/*.spec))
ISOLATION_OPTS = --load-extension=augur --encoding=UTF8 --no-locale \
	--inputdir=$(or $(TOP),./)tests/isolation

EXTRA_CLEAN = augur--*.sql build src/core/*.d src/core/*/*.d src/pg/*.d \
	augur_notify$(DLSUFFIX) src/notify/*.o src/notify/*.d

ifeq ($(CI),true)
WERROR = 1
endif
ifeq ($(WERROR),1)
AUGUR_WERROR = -Werror
endif

PG_CONFIG ?= pg_config
PG_CPPFLAGS = -DAUGUR_VERSION='"$(EXTVERSION)"'
# No -ffast-math, no -march=native, no fused multiply-add behind our back: the same data must
# give the same model on every machine (docs/decisions.md).
PG_CFLAGS = -std=gnu11 -fvisibility=hidden -ffp-contract=off -MMD -MP \
	-Wall -Wextra -Wno-unused-parameter -Wno-sign-compare $(AUGUR_WERROR)
CORE_CFLAGS = -O3
SHLIB_LINK = -lm

# Bitcode for the server's JIT would be compiled by another compiler under other
# floating-point rules, and then inlined: results would depend on jit = on.
override with_llvm = no

PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifneq ($(wildcard $(PGXS)),)
include $(PGXS)
else
# Without a server's headers: the targets below still work, these say what they need.
.DEFAULT_GOAL = all
srcdir = $(or $(patsubst %/,%,$(TOP)),.)
all install uninstall installcheck:
	@echo "make $@ needs PostgreSQL 15 or newer with its headers:" >&2
	@echo "  'make deps' as root, or make PG_CONFIG=/path/to/pg_config" >&2
	@exit 2
clean:
	rm -rf $(OBJS) augur.so $(EXTRA_CLEAN)
.PHONY: all install uninstall installcheck clean
endif

# augur_notify: HTTP in a library of its own (docs/notifications.md), so that augur never needs
# libcurl.  Without libcurl's headers it is left out.
NOTIFY_OBJS = $(patsubst %.c,%.o,$(call in_top,src/notify/*.c))
CURL_CONFIG ?= $(shell command -v curl-config)
NOTIFY ?= $(if $(CURL_CONFIG),yes)
NOTIFY_LIB = $(if $(filter yes,$(NOTIFY)),augur_notify$(DLSUFFIX))
ifneq ($(wildcard $(PGXS)),)
all: $(or $(NOTIFY_LIB),no-notify)
install: install-notify
uninstall: uninstall-notify
augur_notify$(DLSUFFIX): $(NOTIFY_OBJS)
	$(CC) $(CFLAGS) $(NOTIFY_OBJS) $(LDFLAGS) $(LDFLAGS_SL) -shared -o $@ $(shell $(CURL_CONFIG) --libs)
$(NOTIFY_OBJS): override CPPFLAGS += $(shell $(CURL_CONFIG) --cflags)
$(NOTIFY_OBJS): override CFLAGS += $(CFLAGS_SL)
no-notify:
	@echo "augur_notify is left out: no curl-config (libcurl4-openssl-dev on Debian)"
install-notify: $(NOTIFY_LIB) installdirs
	$(if $(NOTIFY_LIB),$(INSTALL_SHLIB) $(NOTIFY_LIB) '$(DESTDIR)$(pkglibdir)/$(NOTIFY_LIB)')
uninstall-notify:
	rm -f '$(DESTDIR)$(pkglibdir)/augur_notify$(DLSUFFIX)'
.PHONY: no-notify install-notify uninstall-notify
endif

$(CORE_OBJS): override CFLAGS += $(CORE_CFLAGS)

# Objects follow their headers (the .d files), the version, and the server and flags they
# were built for, so that another PG_CONFIG never links yesterday's objects.
-include $(OBJS:.o=.d) $(NOTIFY_OBJS:.o=.d)
$(OBJS) $(NOTIFY_OBJS): augur.control Makefile build/flags
build/flags: FORCE
	@mkdir -p $(sort $(dir $@ $(OBJS) $(NOTIFY_OBJS)))
	@echo '$(VERSION) $(CC) $(CFLAGS) $(COPT)' > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
FORCE:
.PHONY: FORCE

# The install script: all parts in name order.  OR REPLACE at the start of a line is dropped, so
# that an object planted beforehand makes the installation fail instead of being taken over.
augur--$(EXTVERSION).sql: $(INSTALL_PARTS) augur.control Makefile
	@for f in $(patsubst %,'%',$(filter %.sql,$^)); do \
	   cat "$$f" && echo || exit 1; done > $@.new
	@{ printf '%s\n\n' '\echo Use "CREATE EXTENSION augur" to load this file. \quit'; \
	   sed 's/^CREATE OR REPLACE /CREATE /' $@.new; } > $@ && rm $@.new

# An update script is its delta, then (only when it ends at the current version) everything
# that can be run again.
$(UPGRADES): augur--%.sql: sql/upgrade/%.sql $(RERUNNABLE_PARTS) augur.control Makefile
	@{ printf '%s\n\n' '\echo Use "ALTER EXTENSION augur UPDATE" to load this file. \quit' \
	     'SET LOCAL search_path = pg_catalog, pg_temp;'; \
	   cat '$<'; echo; \
	   case '$*' in *--$(EXTVERSION)) \
	     for f in $(patsubst %,'%',$(filter-out $<,$(filter %.sql,$^))); do \
	       cat "$$f"; echo; done;; esac; } > $@

#
# Tests and tools.  Everything that needs a server runs against a private copy of the one of
# PG_CONFIG, in a throw-away cluster (tests/lib): nothing is written to the system, no root.
#
RUN_TESTS = PG_CONFIG='$(PG_CONFIG)' MAKE='$(MAKE)' $(srcdir)/tests/lib/run-tests
need = @command -v $(1) >/dev/null || \
	{ echo "make $@ needs $(1): apt-get install $(2)" >&2; exit 2; }

# unit, asan, valgrind: the core without a server
ifneq ($(wildcard $(TOP)tests/unit/unit.mk),)
include $(TOP)tests/unit/unit.mk
endif
# fuzz
ifneq ($(wildcard $(TOP)tests/fuzz/fuzz.mk),)
include $(TOP)tests/fuzz/fuzz.mk
endif

## test: everything, closing with "N passed, N failed" (STEPS="unit regress": only these)
test:
	@$(RUN_TESTS) $(STEPS)

## tap pgtap isolation readme: one kind of server test, in a throw-away cluster
tap pgtap isolation readme:
	@$(RUN_TESTS) build $@

## matrix: the tests on PostgreSQL 15, 17, 18 and 19 in a Debian root of their own (root)
matrix:
	@MAKE='$(MAKE)' $(srcdir)/tests/lib/matrix.sh $(MAJORS)

## deps: install all that building and testing needs (Debian, root; else prints the command)
deps:
	@$(srcdir)/tests/lib/deps.sh

## demo: the examples in a throw-away cluster (KEEP=1 keeps it)
demo:
	@$(srcdir)/tests/lib/deps.sh demo
	@PG_CONFIG='$(PG_CONFIG)' MAKE='$(MAKE)' KEEP='$(KEEP)' $(srcdir)/examples/demo.sh

## docker: the image augur:MAJOR (PG_MAJOR=15), also where no registry can be reached (docker/README.md)
docker:
	@$(srcdir)/docker/build.sh

## docker-test: the image built, tested inside and from outside; skips where no engine can be had
docker-test:
	@$(srcdir)/docker/test.sh

## bench: measures; see docs/benchmarks.md
bench:
	@PG_CONFIG='$(PG_CONFIG)' MAKE='$(MAKE)' $(srcdir)/tests/bench/run $(BENCH)

## check-arch: the floors and their contracts hold
check-arch:
	@PG_CONFIG='$(PG_CONFIG)' MAKE='$(MAKE)' $(srcdir)/ci/check-arch.sh

## lint: format, cppcheck, clang-tidy, words
lint:
	$(call need,cppcheck,cppcheck)
	$(call need,clang-tidy-14,clang-tidy-14)
	$(call need,clang-format-14,clang-format-14)
	@PG_CONFIG='$(PG_CONFIG)' $(srcdir)/ci/lint.sh

## format: rewrite all C files in the project's layout
format:
	$(call need,clang-format-14,clang-format-14)
	cd $(srcdir) && clang-format-14 -i $$(git ls-files '*.c' '*.h')

## dist: the source archive of the last commit
dist:
	$(call need,git,git)
	cd $(srcdir) && git archive --format=zip --prefix=augur-$(EXTVERSION)/ \
	  -o '$(CURDIR)/augur-$(EXTVERSION).zip' HEAD
	@echo augur-$(EXTVERSION).zip

## help: this list
help:
	@echo "all install installcheck uninstall clean: build and install for the server of PG_CONFIG"
	@sed -n 's/^## //p' $(TOP)Makefile $(wildcard $(TOP)tests/unit/unit.mk $(TOP)tests/fuzz/fuzz.mk)

.PHONY: test tap pgtap isolation readme matrix deps demo docker docker-test bench check-arch lint format dist help
