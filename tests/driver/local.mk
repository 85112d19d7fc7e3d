# SPDX-License-Identifier: GPL-2.0-or-later
# Tests of the kernel module: programs that run in a guest (tests/vm/guest/driver-tests)
# without a library beside them, hence linked statically, and what makes the kernel's
# own hmm-tests run on it. Neither `make` nor `make check` builds them.
driver_common = tests/driver/tap.c tests/driver/tap.h tests/driver/device.c tests/driver/device.h \
	tests/driver/space.c tests/driver/space.h tests/driver/other.c tests/driver/other.h \
	tests/driver/module.c tests/driver/module.h tests/driver/setting.c tests/driver/setting.h
driver_tests = \
	tests/driver/test_access \
	tests/driver/test_cgroup \
	tests/driver/test_crowd \
	tests/driver/test_dryrun \
	tests/driver/test_errors \
	tests/driver/test_events \
	tests/driver/test_exclusive \
	tests/driver/test_faults \
	tests/driver/test_fork \
	tests/driver/test_garbage \
	tests/driver/test_inject \
	tests/driver/test_ksm \
	tests/driver/test_limits \
	tests/driver/test_loads \
	tests/driver/test_migrate \
	tests/driver/test_mremap \
	tests/driver/test_pci \
	tests/driver/test_pin \
	tests/driver/test_rmmod \
	tests/driver/test_sleep \
	tests/driver/test_small \
	tests/driver/test_snapshot \
	tests/driver/test_two_devices \
	tests/driver/test_uffd \
	tests/driver/test_unplug \
	tests/driver/test_version \
	tests/driver/test_zap
driver_programs = $(driver_tests) tests/driver/device_new

check_LTLIBRARIES += tests/driver/libdriver.la
tests_driver_libdriver_la_SOURCES = $(driver_common)
tests_driver_libdriver_la_CFLAGS = $(AM_CFLAGS) -pthread

driver_ldadd = tests/driver/libdriver.la
driver_cflags = $(AM_CFLAGS) -pthread
driver_ldflags = -all-static

EXTRA_PROGRAMS += $(driver_programs)
CLEANFILES += $(driver_programs)

tests_driver_test_access_SOURCES = tests/driver/test_access.c
tests_driver_test_access_CFLAGS = $(driver_cflags)
tests_driver_test_access_LDADD = $(driver_ldadd)
tests_driver_test_access_LDFLAGS = $(driver_ldflags)

tests_driver_test_cgroup_SOURCES = tests/driver/test_cgroup.c
tests_driver_test_cgroup_CFLAGS = $(driver_cflags)
tests_driver_test_cgroup_LDADD = $(driver_ldadd)
tests_driver_test_cgroup_LDFLAGS = $(driver_ldflags)

tests_driver_test_crowd_SOURCES = tests/driver/test_crowd.c
tests_driver_test_crowd_CFLAGS = $(driver_cflags)
tests_driver_test_crowd_LDADD = $(driver_ldadd)
tests_driver_test_crowd_LDFLAGS = $(driver_ldflags)

tests_driver_test_dryrun_SOURCES = tests/driver/test_dryrun.c
tests_driver_test_dryrun_CFLAGS = $(driver_cflags)
tests_driver_test_dryrun_LDADD = $(driver_ldadd)
tests_driver_test_dryrun_LDFLAGS = $(driver_ldflags)

tests_driver_test_errors_SOURCES = tests/driver/test_errors.c
tests_driver_test_errors_CFLAGS = $(driver_cflags)
tests_driver_test_errors_LDADD = $(driver_ldadd)
tests_driver_test_errors_LDFLAGS = $(driver_ldflags)

tests_driver_test_events_SOURCES = tests/driver/test_events.c
tests_driver_test_events_CFLAGS = $(driver_cflags)
tests_driver_test_events_LDADD = $(driver_ldadd)
tests_driver_test_events_LDFLAGS = $(driver_ldflags)

tests_driver_test_exclusive_SOURCES = tests/driver/test_exclusive.c
tests_driver_test_exclusive_CFLAGS = $(driver_cflags)
tests_driver_test_exclusive_LDADD = $(driver_ldadd)
tests_driver_test_exclusive_LDFLAGS = $(driver_ldflags)

tests_driver_test_faults_SOURCES = tests/driver/test_faults.c
tests_driver_test_faults_CFLAGS = $(driver_cflags)
tests_driver_test_faults_LDADD = $(driver_ldadd)
tests_driver_test_faults_LDFLAGS = $(driver_ldflags)

tests_driver_test_fork_SOURCES = tests/driver/test_fork.c
tests_driver_test_fork_CFLAGS = $(driver_cflags)
tests_driver_test_fork_LDADD = $(driver_ldadd)
tests_driver_test_fork_LDFLAGS = $(driver_ldflags)

tests_driver_test_garbage_SOURCES = tests/driver/test_garbage.c
tests_driver_test_garbage_CFLAGS = $(driver_cflags)
tests_driver_test_garbage_LDADD = $(driver_ldadd)
tests_driver_test_garbage_LDFLAGS = $(driver_ldflags)

tests_driver_test_inject_SOURCES = tests/driver/test_inject.c
tests_driver_test_inject_CFLAGS = $(driver_cflags)
tests_driver_test_inject_LDADD = $(driver_ldadd)
tests_driver_test_inject_LDFLAGS = $(driver_ldflags)

tests_driver_test_ksm_SOURCES = tests/driver/test_ksm.c
tests_driver_test_ksm_CFLAGS = $(driver_cflags)
tests_driver_test_ksm_LDADD = $(driver_ldadd)
tests_driver_test_ksm_LDFLAGS = $(driver_ldflags)

tests_driver_test_limits_SOURCES = tests/driver/test_limits.c
tests_driver_test_limits_CFLAGS = $(driver_cflags)
tests_driver_test_limits_LDADD = $(driver_ldadd)
tests_driver_test_limits_LDFLAGS = $(driver_ldflags)

tests_driver_test_loads_SOURCES = tests/driver/test_loads.c
tests_driver_test_loads_CFLAGS = $(driver_cflags)
tests_driver_test_loads_LDADD = $(driver_ldadd)
tests_driver_test_loads_LDFLAGS = $(driver_ldflags)

tests_driver_test_migrate_SOURCES = tests/driver/test_migrate.c
tests_driver_test_migrate_CFLAGS = $(driver_cflags)
tests_driver_test_migrate_LDADD = $(driver_ldadd)
tests_driver_test_migrate_LDFLAGS = $(driver_ldflags)

tests_driver_test_mremap_SOURCES = tests/driver/test_mremap.c
tests_driver_test_mremap_CFLAGS = $(driver_cflags)
tests_driver_test_mremap_LDADD = $(driver_ldadd)
tests_driver_test_mremap_LDFLAGS = $(driver_ldflags)

tests_driver_test_pci_SOURCES = tests/driver/test_pci.c
tests_driver_test_pci_CFLAGS = $(driver_cflags)
tests_driver_test_pci_LDADD = $(driver_ldadd)
tests_driver_test_pci_LDFLAGS = $(driver_ldflags)

tests_driver_test_pin_SOURCES = tests/driver/test_pin.c
tests_driver_test_pin_CFLAGS = $(driver_cflags)
tests_driver_test_pin_LDADD = $(driver_ldadd)
tests_driver_test_pin_LDFLAGS = $(driver_ldflags)

tests_driver_test_rmmod_SOURCES = tests/driver/test_rmmod.c
tests_driver_test_rmmod_CFLAGS = $(driver_cflags)
tests_driver_test_rmmod_LDADD = $(driver_ldadd)
tests_driver_test_rmmod_LDFLAGS = $(driver_ldflags)

tests_driver_test_sleep_SOURCES = tests/driver/test_sleep.c
tests_driver_test_sleep_CFLAGS = $(driver_cflags)
tests_driver_test_sleep_LDADD = $(driver_ldadd)
tests_driver_test_sleep_LDFLAGS = $(driver_ldflags)

tests_driver_test_small_SOURCES = tests/driver/test_small.c
tests_driver_test_small_CFLAGS = $(driver_cflags)
tests_driver_test_small_LDADD = $(driver_ldadd)
tests_driver_test_small_LDFLAGS = $(driver_ldflags)

tests_driver_test_snapshot_SOURCES = tests/driver/test_snapshot.c
tests_driver_test_snapshot_CFLAGS = $(driver_cflags)
tests_driver_test_snapshot_LDADD = $(driver_ldadd)
tests_driver_test_snapshot_LDFLAGS = $(driver_ldflags)

tests_driver_test_two_devices_SOURCES = tests/driver/test_two_devices.c
tests_driver_test_two_devices_CFLAGS = $(driver_cflags)
tests_driver_test_two_devices_LDADD = $(driver_ldadd)
tests_driver_test_two_devices_LDFLAGS = $(driver_ldflags)

tests_driver_test_uffd_SOURCES = tests/driver/test_uffd.c
tests_driver_test_uffd_CFLAGS = $(driver_cflags)
tests_driver_test_uffd_LDADD = $(driver_ldadd)
tests_driver_test_uffd_LDFLAGS = $(driver_ldflags)

tests_driver_test_unplug_SOURCES = tests/driver/test_unplug.c
tests_driver_test_unplug_CFLAGS = $(driver_cflags)
tests_driver_test_unplug_LDADD = $(driver_ldadd)
tests_driver_test_unplug_LDFLAGS = $(driver_ldflags)

tests_driver_test_version_SOURCES = tests/driver/test_version.c
tests_driver_test_version_CFLAGS = $(driver_cflags)
tests_driver_test_version_LDADD = $(driver_ldadd)
tests_driver_test_version_LDFLAGS = $(driver_ldflags)

tests_driver_test_zap_SOURCES = tests/driver/test_zap.c
tests_driver_test_zap_CFLAGS = $(driver_cflags)
tests_driver_test_zap_LDADD = $(driver_ldadd)
tests_driver_test_zap_LDFLAGS = $(driver_ldflags)

tests_driver_device_new_SOURCES = tests/driver/device_new.c
tests_driver_device_new_CFLAGS = $(driver_cflags)
tests_driver_device_new_LDADD = $(driver_ldadd)
tests_driver_device_new_LDFLAGS = $(driver_ldflags)

# What tests/vm/host packs.
.PHONY: driver-programs
driver-programs: $(driver_programs)

EXTRA_DIST += tests/driver/shim.c tests/driver/shim_malloc.c \
	tests/driver/gup_test.sed tests/vm/selftests \
	tests/vm/host/hmm-tests tests/vm/guest/hmm-tests \
	tests/vm/host/driver-tests tests/vm/guest/driver-tests \
	tests/vm/host/driver-loads tests/vm/guest/driver-loads
