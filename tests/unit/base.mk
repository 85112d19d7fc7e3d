# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of daemon/base.
base_test_programs = \
	tests/unit/test_btree \
	tests/unit/test_idmap \
	tests/unit/test_list \
	tests/unit/test_radix \
	tests/unit/test_radix_words \
	tests/unit/test_ring \
	tests/unit/test_slots
check_PROGRAMS += $(base_test_programs)
TESTS += $(base_test_programs)

# Allocations pass through alloc_fail.c, which makes them fail on demand.
base_test_cflags = $(AM_CFLAGS) $(CMOCKA_CFLAGS) -pthread
base_test_ldflags = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc
base_test_ldadd = daemon/base/libbase.la $(CMOCKA_LIBS) -lpthread
base_test_fixture = tests/unit/alloc_fail.c tests/unit/alloc_fail.h tests/unit/random.h

tests_unit_test_btree_SOURCES = tests/unit/test_btree.c $(base_test_fixture)
tests_unit_test_btree_CFLAGS = $(base_test_cflags)
tests_unit_test_btree_LDFLAGS = $(base_test_ldflags)
tests_unit_test_btree_LDADD = $(base_test_ldadd)

tests_unit_test_idmap_SOURCES = tests/unit/test_idmap.c $(base_test_fixture)
tests_unit_test_idmap_CFLAGS = $(base_test_cflags)
tests_unit_test_idmap_LDFLAGS = $(base_test_ldflags)
tests_unit_test_idmap_LDADD = $(base_test_ldadd)

tests_unit_test_list_SOURCES = tests/unit/test_list.c $(base_test_fixture)
tests_unit_test_list_CFLAGS = $(base_test_cflags)
tests_unit_test_list_LDFLAGS = $(base_test_ldflags)
tests_unit_test_list_LDADD = $(base_test_ldadd)

tests_unit_test_radix_words_SOURCES = tests/unit/test_radix_words.c tests/unit/radix_arena.h
tests_unit_test_radix_words_CFLAGS = $(base_test_cflags)
tests_unit_test_radix_words_LDADD = $(base_test_ldadd)
tests_unit_test_radix_SOURCES = tests/unit/test_radix.c tests/unit/radix_arena.h $(base_test_fixture)
tests_unit_test_radix_CFLAGS = $(base_test_cflags)
tests_unit_test_radix_LDFLAGS = $(base_test_ldflags)
tests_unit_test_radix_LDADD = $(base_test_ldadd)

tests_unit_test_ring_SOURCES = tests/unit/test_ring.c $(base_test_fixture)
tests_unit_test_ring_CFLAGS = $(base_test_cflags)
tests_unit_test_ring_LDFLAGS = $(base_test_ldflags)
tests_unit_test_ring_LDADD = $(base_test_ldadd)

tests_unit_test_slots_SOURCES = tests/unit/test_slots.c $(base_test_fixture)
tests_unit_test_slots_CFLAGS = $(base_test_cflags)
tests_unit_test_slots_LDFLAGS = $(base_test_ldflags)
tests_unit_test_slots_LDADD = $(base_test_ldadd)
