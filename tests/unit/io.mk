# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of what daemon/io does without a loop.
io_test_programs = tests/unit/test_config tests/unit/test_config_wrong tests/unit/test_options tests/unit/test_query_table
check_PROGRAMS += $(io_test_programs)
TESTS += $(io_test_programs)

io_test_cflags = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS) $(CMOCKA_CFLAGS)
io_test_ldadd = daemon/io/libio.la $(CMOCKA_LIBS)

tests_unit_test_config_SOURCES = tests/unit/test_config.c tests/unit/config_rig.h
tests_unit_test_config_CFLAGS = $(io_test_cflags)
tests_unit_test_config_LDADD = $(io_test_ldadd)
tests_unit_test_config_wrong_SOURCES = tests/unit/test_config_wrong.c tests/unit/config_rig.h
tests_unit_test_config_wrong_CFLAGS = $(io_test_cflags)
tests_unit_test_config_wrong_LDADD = $(io_test_ldadd)

tests_unit_test_options_SOURCES = tests/unit/test_options.c
tests_unit_test_options_CFLAGS = $(io_test_cflags)
tests_unit_test_options_LDADD = $(io_test_ldadd)

tests_unit_test_query_table_SOURCES = tests/unit/test_query_table.c
tests_unit_test_query_table_CFLAGS = $(io_test_cflags)
tests_unit_test_query_table_LDADD = $(io_test_ldadd)
