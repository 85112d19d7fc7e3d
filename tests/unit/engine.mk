# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of the engine in daemon/io: threads, histogram, a client's files.
engine_test_programs = tests/unit/test_latency tests/unit/test_ledgerfile tests/unit/test_rangefile \
	tests/unit/test_tier_record tests/unit/test_crew tests/unit/test_squads \
	tests/unit/test_undone
check_PROGRAMS += $(engine_test_programs)
TESTS += $(engine_test_programs)

engine_test_cflags = $(AM_CFLAGS) $(UV_CFLAGS) $(PROTOBUF_C_CFLAGS) $(CMOCKA_CFLAGS)
engine_test_ldadd = daemon/io/libio.la $(CMOCKA_LIBS)

tests_unit_test_latency_SOURCES = tests/unit/test_latency.c
tests_unit_test_latency_CFLAGS = $(engine_test_cflags)
tests_unit_test_latency_LDADD = $(engine_test_ldadd)

tests_unit_test_ledgerfile_SOURCES = tests/unit/test_ledgerfile.c
tests_unit_test_ledgerfile_CFLAGS = $(engine_test_cflags)
tests_unit_test_ledgerfile_LDADD = $(engine_test_ldadd)

tests_unit_test_rangefile_SOURCES = tests/unit/test_rangefile.c
tests_unit_test_rangefile_CFLAGS = $(engine_test_cflags)
tests_unit_test_rangefile_LDADD = $(engine_test_ldadd)

tests_unit_test_tier_record_SOURCES = tests/unit/test_tier_record.c
tests_unit_test_tier_record_CFLAGS = $(engine_test_cflags)
tests_unit_test_tier_record_LDADD = $(engine_test_ldadd)

tests_unit_test_undone_SOURCES = tests/unit/test_undone.c tests/unit/core_world.c tests/unit/core_world.h
tests_unit_test_undone_CFLAGS = $(engine_test_cflags)
tests_unit_test_undone_LDADD = $(crew_rig_ldadd)

crew_rig_sources = tests/unit/crew_rig.c tests/unit/crew_rig.h tests/unit/rig.c tests/unit/rig.h
crew_rig_ldadd = $(engine_test_ldadd) $(HUGETLBFS_LIBS) $(NUMA_LIBS) -lpthread

tests_unit_test_crew_SOURCES = tests/unit/test_crew.c $(crew_rig_sources)
tests_unit_test_crew_CFLAGS = $(engine_test_cflags)
tests_unit_test_crew_LDADD = $(crew_rig_ldadd)

tests_unit_test_squads_SOURCES = tests/unit/test_squads.c $(crew_rig_sources)
tests_unit_test_squads_CFLAGS = $(engine_test_cflags)
tests_unit_test_squads_LDADD = $(crew_rig_ldadd)
