# SPDX-License-Identifier: GPL-2.0-or-later
# How tests run: every one speaks TAP, several unit tests at a time, all others
# one after another (tests/serial.mk says why).
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/run-test

AM_TESTS_ENVIRONMENT = \
	CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	HMMD='$(abs_top_builddir)/hmmd'; export HMMD; \
	HMMCTL='$(abs_top_builddir)/hmmctl'; export HMMCTL; \
	CC='$(CC)'; export CC; \
	MAKE='$(MAKE)'; export MAKE; \
	ASAN_OPTIONS="$${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0}"; export ASAN_OPTIONS; \
	UBSAN_OPTIONS="$${UBSAN_OPTIONS:-print_stacktrace=1}"; export UBSAN_OPTIONS; \
	TSAN_OPTIONS="$${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}"; export TSAN_OPTIONS;

include $(top_srcdir)/tests/unit/proto.mk
include $(top_srcdir)/tests/unit/base.mk
include $(top_srcdir)/tests/unit/core.mk
include $(top_srcdir)/tests/unit/mech.mk
include $(top_srcdir)/tests/unit/drivers.mk
include $(top_srcdir)/tests/unit/kmod.mk
include $(top_srcdir)/tests/unit/io.mk
include $(top_srcdir)/tests/unit/engine.mk
include $(top_srcdir)/tests/unit/ctl.mk
include $(top_srcdir)/tests/client/local.mk
include $(top_srcdir)/tests/integ/local.mk
include $(top_srcdir)/tests/driver/local.mk
include $(top_srcdir)/tests/vm/local.mk
include $(top_srcdir)/tests/vm/programs/local.mk
include $(top_srcdir)/tests/fuzz/local.mk
include $(top_srcdir)/tests/lint/local.mk

EXTRA_DIST += tests/serial.mk tests/run-test
-include $(top_srcdir)/tests/serial.mk

# The part of `make check` that needs neither a daemon nor a kernel feature.
.PHONY: check-unit
check-unit: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(filter tests/unit/%,$(TESTS))'

# For the fuzzing step of bootstrap, which runs what `make fuzz` has built.
.PHONY: fuzz-targets
fuzz-targets:
	@echo '$(FUZZ_TARGETS)'

# Each benchmark prints `bench NAME VALUE UNIT`; two at once would measure each
# other. A failing one does not hide the figures of those after it.
run_bench = st=0; for p in $(1); do $(AM_TESTS_ENVIRONMENT) ./$$p || st=1; done; exit $$st

.PHONY: bench bench-vm
bench: all $(bench_programs)
	@$(call run_bench,$(bench_programs))
bench-vm: all $(bench_vm_programs)
	@$(call run_bench,$(bench_vm_programs))
