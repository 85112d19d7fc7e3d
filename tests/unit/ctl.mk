# SPDX-License-Identifier: GPL-2.0-or-later
ctl_unit_tests = \
	tests/unit/test_ctl_args \
	tests/unit/test_ctl_format \
	tests/unit/test_ctl_near \
	tests/unit/test_ctl_span \
	tests/unit/test_ctl_view
check_PROGRAMS += $(ctl_unit_tests)
TESTS += $(ctl_unit_tests)

tests_unit_test_ctl_args_SOURCES = tests/unit/test_ctl_args.c
tests_unit_test_ctl_args_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_ctl_args_LDADD = libclient/ctl/libctl.la $(CMOCKA_LIBS)
tests_unit_test_ctl_format_SOURCES = tests/unit/test_ctl_format.c
tests_unit_test_ctl_format_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_ctl_format_LDADD = libclient/ctl/libctl.la $(CMOCKA_LIBS)
tests_unit_test_ctl_near_SOURCES = tests/unit/test_ctl_near.c
tests_unit_test_ctl_near_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_ctl_near_LDADD = libclient/ctl/libctl.la $(CMOCKA_LIBS)
tests_unit_test_ctl_span_SOURCES = tests/unit/test_ctl_span.c
tests_unit_test_ctl_span_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_ctl_span_LDADD = libclient/ctl/libctl.la $(CMOCKA_LIBS)
tests_unit_test_ctl_view_SOURCES = tests/unit/test_ctl_view.c
tests_unit_test_ctl_view_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JSON_C_CFLAGS)
tests_unit_test_ctl_view_LDADD = libclient/ctl/libctl.la $(JSON_C_LIBS) $(CMOCKA_LIBS)
