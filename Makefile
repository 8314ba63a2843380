EXTENSION = augur
EXTVERSION := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" augur.control)
MODULE_big = augur
CORE_OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/core/*.c src/core/tree/*.c src/core/metric/*.c)))
PG_OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/pg/*.c)))
OBJS = $(CORE_OBJS) $(PG_OBJS)
INSTALL_PARTS = $(sort $(wildcard sql/install/*.sql))
DATA_built = augur--$(EXTVERSION).sql
EXTRA_CLEAN = augur--$(EXTVERSION).sql build
REGRESS = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))

PG_CONFIG ?= pg_config
PG_CPPFLAGS = -DAUGUR_VERSION='"$(EXTVERSION)"'
PG_CFLAGS = -std=gnu11 -fvisibility=hidden -ffp-contract=off -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare
SHLIB_LINK = -lm
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

$(CORE_OBJS): override CFLAGS += -O3
$(CORE_OBJS) $(PG_OBJS): $(wildcard src/core/*.h src/core/*/*.h src/pg/*.h)

# The install script: all parts in name order, OR REPLACE stripped so that a planted object makes it fail.
augur--$(EXTVERSION).sql: $(INSTALL_PARTS) augur.control
	{ echo '\echo Use "CREATE EXTENSION augur" to load this file. \quit'; \
	  for f in $(INSTALL_PARTS); do cat $$f; echo; done; } | sed 's/^CREATE OR REPLACE /CREATE /' > $@
