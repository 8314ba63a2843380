# Fuzzers of the core's parsers (libFuzzer, clang).  Included by the Makefile after unit.mk.
#
#	make fuzz						200,000 inputs a parser
#	make fuzz FUZZ_RUNS=20000000 FUZZ_MAX_LEN=4096 FUZZ_COVERAGE="-O2 -fno-sanitize-coverage=trace-cmp"
#		as many as a release wants, of small ones: three times as many a second, because comparisons are
#		not watched (for another FUZZ_COVERAGE remove build/fuzz)
#
# What a fuzzer finds is left in build/fuzz as crash-* or timeout-*; inputs that reached new
# code stay in build/fuzz/corpus and are used by the next run.

FUZZ_CC ?= clang-14
FUZZ_RUNS ?= 200000
FUZZ_SEED ?= 1
FUZZ_JOBS ?= 2
FUZZ_MAX_LEN ?= 32768
FUZZ_COVERAGE ?=
FUZZ_NAMES := fuzz_model fuzz_params fuzz_series fuzz_panel fuzz_detector fuzz_profile
FUZZ_FLAGS = -std=c11 -D_GNU_SOURCE -g -O1 -ffp-contract=off -fno-omit-frame-pointer \
	-DAUG_FUZZING -DAUGUR_VERSION='"$(UNIT_VERSION)"' -DUNIT_DATA='"$(UNIT_DIR)/tests/data"' \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all $(FUZZ_COVERAGE)
FUZZ_OBJS := $(patsubst $(UNIT_DIR)/%.c,build/fuzz/%.o,$(UNIT_CORE) $(UNIT_HARNESS))

build/fuzz/%.o: $(UNIT_DIR)/%.c $(UNIT_HEADERS) $(UNIT_DIR)/tests/fuzz/fuzz.mk \
		$(UNIT_DIR)/tests/fuzz/fuzz.h
	@mkdir -p $(@D)
	@$(FUZZ_CC) $(FUZZ_FLAGS) -c $< -o $@

$(addprefix build/fuzz/,$(FUZZ_NAMES)): build/fuzz/%: build/fuzz/tests/fuzz/%.o $(FUZZ_OBJS)
	@$(FUZZ_CC) -fsanitize=fuzzer,address,undefined $^ -lm -o $@

build/fuzz/seeds: build/fuzz/tests/fuzz/seeds.o $(FUZZ_OBJS)
	@$(FUZZ_CC) -fsanitize=address,undefined $^ -lm -o $@

## fuzz: random inputs into the core's parsers (FUZZ_RUNS=200000)
fuzz:
	@command -v $(FUZZ_CC) >/dev/null || { echo "make $@ needs $(FUZZ_CC): apt-get install clang-14" >&2; exit 2; }
	@$(MAKE) --no-print-directory -f $(firstword $(MAKEFILE_LIST)) fuzz-run

fuzz-run: build/fuzz/seeds $(addprefix build/fuzz/,$(FUZZ_NAMES))
	@mkdir -p $(addprefix build/fuzz/corpus/,$(FUZZ_NAMES))
	@build/fuzz/seeds $(addprefix build/fuzz/corpus/,$(FUZZ_NAMES))
	@printf '%s\n' $(FUZZ_NAMES) | xargs -P $(FUZZ_JOBS) -I @ sh -c \
	   'if build/fuzz/@ -runs=$(FUZZ_RUNS) -seed=$(FUZZ_SEED) -max_len=$(FUZZ_MAX_LEN) -len_control=0 \
	     -timeout=5 -rss_limit_mb=1024 -artifact_prefix=build/fuzz/ build/fuzz/corpus/@ \
	     > build/fuzz/@.log 2>&1; \
	   then echo "@: 1 passed, 0 failed"; \
	   else tail -40 build/fuzz/@.log >&2; echo "@: 0 passed, 1 failed"; exit 1; fi'

.PHONY: fuzz fuzz-run
.PRECIOUS: build/fuzz/%.o
