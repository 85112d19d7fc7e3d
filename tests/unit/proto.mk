# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of proto/.
proto_test_programs = tests/unit/test_arena tests/unit/test_frame tests/unit/test_validate tests/unit/test_fd \
	tests/unit/test_text
check_PROGRAMS += $(proto_test_programs)
TESTS += $(proto_test_programs)

proto_test_ldadd = proto/libhmmproto.la proto/libhmmfd.la proto/libhmmpb.la $(PROTOBUF_C_LIBS) $(CMOCKA_LIBS)
proto_test_cflags = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_test_arena_SOURCES = tests/unit/test_arena.c
tests_unit_test_arena_CFLAGS = $(proto_test_cflags)
tests_unit_test_arena_LDADD = $(proto_test_ldadd)

tests_unit_test_frame_SOURCES = tests/unit/test_frame.c
tests_unit_test_frame_CFLAGS = $(proto_test_cflags)
tests_unit_test_frame_LDADD = $(proto_test_ldadd)

tests_unit_test_validate_SOURCES = \
	tests/unit/test_validate.c tests/unit/test_validate.h \
	tests/unit/test_validate_client.c tests/unit/test_validate_daemon.c
tests_unit_test_validate_CFLAGS = $(proto_test_cflags)
tests_unit_test_validate_LDADD = $(proto_test_ldadd)

tests_unit_test_text_SOURCES = tests/unit/test_text.c
tests_unit_test_text_CFLAGS = $(proto_test_cflags)
tests_unit_test_text_LDADD = $(proto_test_ldadd)

tests_unit_test_fd_SOURCES = tests/unit/test_fd.c
tests_unit_test_fd_CFLAGS = $(proto_test_cflags)
tests_unit_test_fd_LDADD = $(proto_test_ldadd)
