# Unit tests of the numeric core: no server, no PostgreSQL header.  Included by the Makefile.
#
# One program per tests/unit/test_*.c, each linked with all of src/core.  Three builds: plain,
# with the address and undefined-behaviour sanitizers, and the plain one under valgrind.

UNIT_CC ?= cc
UNIT_DIR := $(or $(patsubst %/,%,$(TOP)),.)
UNIT_VERSION := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" $(UNIT_DIR)/augur.control)
UNIT_FLAGS = -std=c11 -D_GNU_SOURCE -g -ffp-contract=off -fno-omit-frame-pointer \
	-Wall -Wextra -Wshadow -Wconversion -Wvla -Werror \
	-DAUGUR_VERSION='"$(UNIT_VERSION)"' -DUNIT_DATA='"$(UNIT_DIR)/tests/data"'
UNIT_ASAN = -O1 -fsanitize=address,undefined -fno-sanitize-recover=all

UNIT_CORE := $(wildcard $(UNIT_DIR)/src/core/*.c $(UNIT_DIR)/src/core/*/*.c)
UNIT_HARNESS := $(addprefix $(UNIT_DIR)/tests/unit/,unit.c unit_data.c unit_golden.c \
	unit_panel.c unit_table.c)
UNIT_HEADERS := $(wildcard $(UNIT_DIR)/src/core/*.h $(UNIT_DIR)/src/core/*/*.h \
	$(UNIT_DIR)/tests/unit/*.h) $(filter %unit.mk,$(MAKEFILE_LIST)) $(UNIT_DIR)/augur.control
UNIT_NAMES := $(patsubst $(UNIT_DIR)/tests/unit/%.c,%,$(wildcard $(UNIT_DIR)/tests/unit/test_*.c))

# unit_build,flavour,extra flags: objects and programs in build/flavour
define unit_build
build/$(1)/%.o: $(UNIT_DIR)/%.c $(UNIT_HEADERS)
	@mkdir -p $$(@D)
	@$$(UNIT_CC) $$(UNIT_FLAGS) $(2) -c $$< -o $$@

$(addprefix build/$(1)/,$(UNIT_NAMES)): build/$(1)/%: build/$(1)/tests/unit/%.o \
		$(patsubst $(UNIT_DIR)/%.c,build/$(1)/%.o,$(UNIT_CORE) $(UNIT_HARNESS))
	@$$(UNIT_CC) $(2) $$^ -lm -o $$@

.PRECIOUS: build/$(1)/%.o
endef

$(eval $(call unit_build,unit,-O2))
$(eval $(call unit_build,asan,$(UNIT_ASAN)))
$(eval $(call unit_build,cover,-O0 --coverage))
# size_t of 32 bits; SSE, as x87 would round doubles otherwise
$(eval $(call unit_build,unit32,-O2 -m32 -msse2 -mfpmath=sse))
# as the server's library is built: for tests/bench/forecast, panel and detect
$(eval $(call unit_build,bench,-O3))

build/bench/bench_forecast build/bench/bench_panel build/bench/bench_detect: build/bench/%: \
		build/bench/tests/bench/core/%.o $(patsubst $(UNIT_DIR)/%.c,build/bench/%.o,$(UNIT_CORE))
	@$(UNIT_CC) $^ -lm -o $@

# Runs all programs, UNIT_JOBS at the same time, tells every room's line, fails when one failed.
UNIT_JOBS ?= 2
unit_run = @printf '%s\n' $(UNIT_NAMES) | xargs -P $(UNIT_JOBS) -I @ sh -c \
	'$(1) build/$(2)/@ >build/$(2)/@.log 2>&1 && rc=0 || rc=1; cat build/$(2)/@.log; exit $$rc'

## unit: the core's tests
unit: $(addprefix build/unit/,$(UNIT_NAMES))
	$(call unit_run,,unit)

## asan: the core's tests under the address and undefined-behaviour sanitizers
asan: $(addprefix build/asan/,$(UNIT_NAMES))
	$(call unit_run,ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1,asan)

## valgrind: the core's tests under valgrind
valgrind: $(addprefix build/unit/,$(UNIT_NAMES))
	@command -v valgrind >/dev/null || { echo "make $@ needs valgrind: apt-get install valgrind" >&2; exit 2; }
	$(call unit_run,UNIT_SHORT=1 valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite$(,)possible,unit)

## unit32: the core's tests built for 32 bits, where sizes wrap at 4 GB
unit32: $(addprefix build/unit32/,$(UNIT_NAMES))
	$(call unit_run,,unit32)

## cover: line coverage of the core by its own tests
cover: $(addprefix build/cover/,$(UNIT_NAMES))
	@find build/cover -name '*.gcda' -delete
	$(call unit_run,,cover)
	@cd build/cover && for f in $(patsubst $(UNIT_DIR)/%.c,%,$(UNIT_CORE)); do \
	   gcov -n -o $$f.o $$f.c 2>/dev/null | sed -n "/src\/core.*\.c'/{N;s/File '\(.*\)'\nLines executed:/\1 /p}"; done | sort -u

, := ,
.PHONY: unit asan valgrind unit32 cover
