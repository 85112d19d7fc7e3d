# SPDX-License-Identifier: GPL-2.0-or-later
# Benchmarks in a guest: `make bench-vm`. The program itself is compiled when the
# guest is packed (tests/vm/host/bench-device).
bench_vm_programs = tests/bench/vm/bench_device
CLEANFILES += $(bench_vm_programs)

tests/bench/vm/bench_device: tests/bench/vm/bench_device.sh
	@$(MKDIR_P) tests/bench/vm
	$(AM_V_GEN)install -m 755 $< $@

EXTRA_DIST += tests/bench/vm/bench_device.sh tests/bench/vm/bench_device.c \
	tests/vm/host/bench-device tests/vm/guest/bench-device
