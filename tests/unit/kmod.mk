# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of the pure parts of the kernel module. Models are shared with tests/fuzz.
kmod_test_programs = \
	tests/unit/kmod/test_kmod_block \
	tests/unit/kmod/test_kmod_limit \
	tests/unit/kmod/test_kmod_mirror \
	tests/unit/kmod/test_kmod_ring \
	tests/unit/kmod/test_kmod_thrash \
	tests/unit/kmod/test_kmod_window
check_PROGRAMS += $(kmod_test_programs)
TESTS += $(kmod_test_programs)

# Allocations pass through alloc_fail.c, which makes them fail on demand.
kmod_test_cflags = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
kmod_test_ldflags = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc
kmod_test_ldadd = drivers/kmod/libpure.la $(CMOCKA_LIBS)
kmod_test_fixture = tests/unit/alloc_fail.c tests/unit/alloc_fail.h tests/unit/random.h

tests_unit_kmod_test_kmod_block_SOURCES = tests/unit/kmod/test_kmod_block.c \
	tests/unit/kmod/block_model.c tests/unit/kmod/block_model.h $(kmod_test_fixture)
tests_unit_kmod_test_kmod_block_CFLAGS = $(kmod_test_cflags)
tests_unit_kmod_test_kmod_block_LDFLAGS = $(kmod_test_ldflags)
tests_unit_kmod_test_kmod_block_LDADD = $(kmod_test_ldadd)

tests_unit_kmod_test_kmod_limit_SOURCES = tests/unit/kmod/test_kmod_limit.c $(kmod_test_fixture)
tests_unit_kmod_test_kmod_limit_CFLAGS = $(kmod_test_cflags)
tests_unit_kmod_test_kmod_limit_LDFLAGS = $(kmod_test_ldflags)
tests_unit_kmod_test_kmod_limit_LDADD = $(kmod_test_ldadd)

tests_unit_kmod_test_kmod_mirror_SOURCES = tests/unit/kmod/test_kmod_mirror.c \
	tests/unit/kmod/mirror_model.c tests/unit/kmod/mirror_model.h $(kmod_test_fixture)
tests_unit_kmod_test_kmod_mirror_CFLAGS = $(kmod_test_cflags)
tests_unit_kmod_test_kmod_mirror_LDFLAGS = $(kmod_test_ldflags)
tests_unit_kmod_test_kmod_mirror_LDADD = $(kmod_test_ldadd)

tests_unit_kmod_test_kmod_ring_SOURCES = tests/unit/kmod/test_kmod_ring.c \
	tests/unit/kmod/ring_model.c tests/unit/kmod/ring_model.h $(kmod_test_fixture)
tests_unit_kmod_test_kmod_ring_CFLAGS = $(kmod_test_cflags)
tests_unit_kmod_test_kmod_ring_LDFLAGS = $(kmod_test_ldflags)
tests_unit_kmod_test_kmod_ring_LDADD = $(kmod_test_ldadd)

tests_unit_kmod_test_kmod_thrash_SOURCES = tests/unit/kmod/test_kmod_thrash.c $(kmod_test_fixture)
tests_unit_kmod_test_kmod_thrash_CFLAGS = $(kmod_test_cflags)
tests_unit_kmod_test_kmod_thrash_LDFLAGS = $(kmod_test_ldflags)
tests_unit_kmod_test_kmod_thrash_LDADD = $(kmod_test_ldadd)

tests_unit_kmod_test_kmod_window_SOURCES = tests/unit/kmod/test_kmod_window.c $(kmod_test_fixture)
tests_unit_kmod_test_kmod_window_CFLAGS = $(kmod_test_cflags)
tests_unit_kmod_test_kmod_window_LDFLAGS = $(kmod_test_ldflags)
tests_unit_kmod_test_kmod_window_LDADD = $(kmod_test_ldadd)
