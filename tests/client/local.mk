# SPDX-License-Identifier: GPL-2.0-or-later
# Tests of the library, one program per promise, against a daemon of a few lines that runs inside them.
client_test_programs = \
	tests/client/client_alloc \
	tests/client/client_bad_arguments \
	tests/client/client_fork \
	tests/client/client_hostile_daemon \
	tests/client/client_last_unref \
	tests/client/client_listings \
	tests/client/client_lost \
	tests/client/client_no_daemon \
	tests/client/client_operations \
	tests/client/client_process_without_helper \
	tests/client/client_reconnect \
	tests/client/client_register_batch \
	tests/client/client_residency \
	tests/client/client_slow_daemon \
	tests/client/client_threads \
	tests/client/client_zap_only_own_managed
check_PROGRAMS += $(client_test_programs)
TESTS += $(client_test_programs)

check_LTLIBRARIES += tests/client/libfake.la
tests_client_libfake_la_SOURCES = \
	tests/client/fake.c tests/client/fake.h \
	tests/client/fake_answer.c tests/client/fake_answer.h \
	tests/client/fake_test.c \
	tests/support/test.h
tests_client_libfake_la_CFLAGS = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS) $(CMOCKA_CFLAGS) -pthread
tests_client_libfake_la_LIBADD = proto/libhmmproto.la proto/libhmmfd.la proto/libhmmpb.la

client_test_cflags = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS) $(CMOCKA_CFLAGS) -pthread
client_test_ldadd = tests/client/libfake.la libclient/libhmmclient.la $(PROTOBUF_C_LIBS) $(CMOCKA_LIBS)

tests_client_client_alloc_SOURCES = tests/client/client_alloc.c
tests_client_client_alloc_CFLAGS = $(client_test_cflags)
tests_client_client_alloc_LDADD = $(client_test_ldadd)
tests_client_client_bad_arguments_SOURCES = tests/client/client_bad_arguments.c
tests_client_client_bad_arguments_CFLAGS = $(client_test_cflags)
tests_client_client_bad_arguments_LDADD = $(client_test_ldadd)
tests_client_client_fork_SOURCES = tests/client/client_fork.c
tests_client_client_fork_CFLAGS = $(client_test_cflags)
tests_client_client_fork_LDADD = $(client_test_ldadd)
tests_client_client_hostile_daemon_SOURCES = tests/client/client_hostile_daemon.c
tests_client_client_hostile_daemon_CFLAGS = $(client_test_cflags)
tests_client_client_hostile_daemon_LDADD = $(client_test_ldadd)
tests_client_client_last_unref_SOURCES = tests/client/client_last_unref.c
tests_client_client_last_unref_CFLAGS = $(client_test_cflags)
tests_client_client_last_unref_LDADD = $(client_test_ldadd)
tests_client_client_listings_SOURCES = tests/client/client_listings.c
tests_client_client_listings_CFLAGS = $(client_test_cflags)
tests_client_client_listings_LDADD = $(client_test_ldadd)
tests_client_client_lost_SOURCES = tests/client/client_lost.c
tests_client_client_lost_CFLAGS = $(client_test_cflags)
tests_client_client_lost_LDADD = $(client_test_ldadd)
tests_client_client_no_daemon_SOURCES = tests/client/client_no_daemon.c
tests_client_client_no_daemon_CFLAGS = $(client_test_cflags)
tests_client_client_no_daemon_LDADD = $(client_test_ldadd)
tests_client_client_operations_SOURCES = tests/client/client_operations.c
tests_client_client_operations_CFLAGS = $(client_test_cflags)
tests_client_client_operations_LDADD = $(client_test_ldadd)
tests_client_client_process_without_helper_SOURCES = tests/client/client_process_without_helper.c
tests_client_client_process_without_helper_CFLAGS = $(client_test_cflags)
tests_client_client_process_without_helper_LDADD = $(client_test_ldadd)
tests_client_client_reconnect_SOURCES = tests/client/client_reconnect.c
tests_client_client_reconnect_CFLAGS = $(client_test_cflags)
tests_client_client_reconnect_LDADD = $(client_test_ldadd)
tests_client_client_register_batch_SOURCES = tests/client/client_register_batch.c
tests_client_client_register_batch_CFLAGS = $(client_test_cflags)
tests_client_client_register_batch_LDADD = $(client_test_ldadd)
tests_client_client_residency_SOURCES = tests/client/client_residency.c
tests_client_client_residency_CFLAGS = $(client_test_cflags)
tests_client_client_residency_LDADD = $(client_test_ldadd)
tests_client_client_slow_daemon_SOURCES = tests/client/client_slow_daemon.c
tests_client_client_slow_daemon_CFLAGS = $(client_test_cflags)
tests_client_client_slow_daemon_LDADD = $(client_test_ldadd)
tests_client_client_threads_SOURCES = tests/client/client_threads.c
tests_client_client_threads_CFLAGS = $(client_test_cflags)
tests_client_client_threads_LDADD = $(client_test_ldadd)
tests_client_client_zap_only_own_managed_SOURCES = tests/client/client_zap_only_own_managed.c
tests_client_client_zap_only_own_managed_CFLAGS = $(client_test_cflags)
tests_client_client_zap_only_own_managed_LDADD = $(client_test_ldadd)
