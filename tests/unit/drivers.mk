# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of the device drivers.
check_PROGRAMS += tests/unit/test_drivers
TESTS += tests/unit/test_drivers
tests_unit_test_drivers_SOURCES = \
	tests/unit/test_drivers.c tests/unit/failing_device.c tests/unit/failing_device.h
tests_unit_test_drivers_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_drivers_LDADD = drivers/libdrivers.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test_file_device
TESTS += tests/unit/test_file_device
tests_unit_test_file_device_SOURCES = tests/unit/test_file_device.c
tests_unit_test_file_device_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_file_device_LDADD = drivers/libdrivers.la $(CMOCKA_LIBS)
