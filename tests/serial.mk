# SPDX-License-Identifier: GPL-2.0-or-later
# Tests that start a daemon share the machine's huge-page settings and measure
# time, so each waits for the one before it, also under `make -j`; so do the unit
# tests that raise the huge-page pool, or may take from it what others raised. Read
# by make itself: automake does not know $(eval).
serial_unit := tests/unit/test_backing.log tests/unit/test_churn.log tests/unit/test_crew.log \
	tests/unit/test_drivers.log tests/unit/test_mover.log tests/unit/test_mover_fail.log
serial_logs := $(filter $(serial_unit),$(TEST_LOGS)) $(filter-out tests/unit/% tests/lint/%,$(TEST_LOGS))
serial_before :=
$(foreach log,$(serial_logs),$(if $(serial_before),$(eval $(log): $(serial_before)))$(eval serial_before := $(log)))
