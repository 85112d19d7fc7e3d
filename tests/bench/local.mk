# SPDX-License-Identifier: GPL-2.0-or-later
# Benchmarks: built and run by `make bench`, one after another.
bench_programs = tests/bench/bench_move tests/bench/bench_mapping tests/bench/bench_rpc \
	tests/bench/bench_lookup tests/bench/bench_idle
EXTRA_PROGRAMS += $(bench_programs)
CLEANFILES += $(bench_programs)

bench_cflags = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(PROTOBUF_C_CFLAGS) -pthread
bench_measure = tests/bench/measure.c tests/bench/measure.h
bench_ldadd = $(support_ldadd)

tests_bench_bench_move_SOURCES = tests/bench/bench_move.c $(bench_measure)
tests_bench_bench_move_CFLAGS = $(bench_cflags)
tests_bench_bench_move_LDADD = $(bench_ldadd)

tests_bench_bench_mapping_SOURCES = tests/bench/bench_mapping.c $(bench_measure)
tests_bench_bench_mapping_CFLAGS = $(bench_cflags)
tests_bench_bench_mapping_LDADD = $(bench_ldadd)

tests_bench_bench_rpc_SOURCES = tests/bench/bench_rpc.c $(bench_measure)
tests_bench_bench_rpc_CFLAGS = $(bench_cflags)
tests_bench_bench_rpc_LDADD = $(bench_ldadd)

tests_bench_bench_lookup_SOURCES = tests/bench/bench_lookup.c $(bench_measure)
tests_bench_bench_lookup_CFLAGS = $(bench_cflags)
tests_bench_bench_lookup_LDADD = daemon/base/libbase.la $(bench_ldadd)

tests_bench_bench_idle_SOURCES = tests/bench/bench_idle.c $(bench_measure)
tests_bench_bench_idle_CFLAGS = $(bench_cflags)
tests_bench_bench_idle_LDADD = daemon/core/libcore.la daemon/base/libbase.la $(bench_ldadd)
