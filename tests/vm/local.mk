# SPDX-License-Identifier: GPL-2.0-or-later
# Tests in guests.
EXTRA_DIST += tests/vm/vm tests/vm/kernel tests/vm/module tests/vm/source tests/vm/chroot \
	tests/vm/root tests/vm/debug-kernel tests/vm/debug.config tests/vm/selftest \
	tests/vm/lib.sh tests/vm/machine.sh tests/vm/pack.sh \
	tests/vm/guest.sh tests/vm/sparse.h tests/vm/boot/init tests/vm/boot/run \
	tests/vm/boot/masked tests/vm/boot/sysusers.conf tests/vm/boot/vm.service \
	tests/vm/boot/vm.target \
	tests/vm/guest/adopted-demo tests/vm/host/adopted-demo \
	tests/vm/guest/driver-errors tests/vm/host/driver-errors \
	tests/vm/guest/driver-faults tests/vm/host/driver-faults \
	tests/vm/hold/Makefile tests/vm/hold/hold.c

# Each is a run or more in a guest and speaks TAP. They build and boot for minutes, so they are no part of
# `make check`; tests/serial.mk has them follow each other.
vm_tests = \
	tests/vm/cases/harness.vm \
	tests/vm/cases/hmm-tests-7.2.vm tests/vm/cases/hmm-tests-7.3.vm \
	tests/vm/cases/driver-tests-7.2.vm tests/vm/cases/driver-tests-7.3.vm \
	tests/vm/cases/driver-loads-6.1.vm tests/vm/cases/driver-loads-6.12.vm \
	tests/vm/cases/driver-errors-7.2.vm \
	tests/vm/cases/adopted-demo.vm \
	tests/vm/cases/nodes-2.vm tests/vm/cases/nodes-3.vm tests/vm/cases/nodes-undone.vm \
	tests/vm/cases/service.vm
EXTRA_DIST += $(vm_tests)

TEST_EXTENSIONS = .vm
VM_LOG_DRIVER = $(LOG_DRIVER)
VM_LOG_COMPILER = $(LOG_COMPILER)

# Seconds for a case; each guest has a limit of its own.
vm_case_seconds = 3600

# All of them, or the kernel's own tests alone, which take two minutes.
.PHONY: check-vm check-hmm
check-vm: vm_cases = $(vm_tests)
check-hmm: vm_cases = tests/vm/cases/hmm-tests-7.2.vm
check-vm check-hmm: all
	HMM_BUILD='$(abs_top_builddir)' TEST_SECONDS=$(vm_case_seconds) \
		$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(vm_cases)'
