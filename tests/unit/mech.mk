# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of the doors to the kernel. Those that need rights which are not there say so and skip.
mech_test_programs = tests/unit/test_mover tests/unit/test_mover_fail tests/unit/test_backing \
	tests/unit/test_churn tests/unit/test_doors tests/unit/test_hugepool tests/unit/test_driver tests/unit/test_uffd \
	tests/unit/test_image
check_PROGRAMS += $(mech_test_programs)
TESTS += $(mech_test_programs)

mech_test_cflags = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
mech_test_ldadd = daemon/mech/libmech.la daemon/core/libcore.la daemon/base/libbase.la drivers/libdrivers.la \
	proto/libhmmproto.la proto/libhmmpb.la $(PROTOBUF_C_LIBS) \
	$(HUGETLBFS_LIBS) $(NUMA_LIBS) $(CMOCKA_LIBS) -lpthread
mech_test_rig = tests/unit/rig.c tests/unit/rig.h tests/unit/failing_device.c tests/unit/failing_device.h
mech_test_backed = tests/unit/backed.c tests/unit/backed.h

tests_unit_test_mover_SOURCES = tests/unit/test_mover.c $(mech_test_rig)
tests_unit_test_mover_CFLAGS = $(mech_test_cflags)
tests_unit_test_mover_LDADD = $(mech_test_ldadd)

tests_unit_test_mover_fail_SOURCES = tests/unit/test_mover_fail.c $(mech_test_rig)
tests_unit_test_mover_fail_CFLAGS = $(mech_test_cflags)
tests_unit_test_mover_fail_LDADD = $(mech_test_ldadd)

tests_unit_test_backing_SOURCES = tests/unit/test_backing.c $(mech_test_backed) $(mech_test_rig)
tests_unit_test_backing_CFLAGS = $(mech_test_cflags)
tests_unit_test_backing_LDADD = $(mech_test_ldadd)

tests_unit_test_churn_SOURCES = tests/unit/test_churn.c tests/unit/random.h $(mech_test_backed) $(mech_test_rig)
tests_unit_test_churn_CFLAGS = $(mech_test_cflags)
tests_unit_test_churn_LDADD = $(mech_test_ldadd)

tests_unit_test_driver_SOURCES = tests/unit/test_driver.c
tests_unit_test_driver_CFLAGS = $(mech_test_cflags)
tests_unit_test_driver_LDADD = $(mech_test_ldadd)

tests_unit_test_hugepool_SOURCES = tests/unit/test_hugepool.c
tests_unit_test_hugepool_CFLAGS = $(mech_test_cflags)
tests_unit_test_hugepool_LDADD = $(mech_test_ldadd)

tests_unit_test_doors_SOURCES = tests/unit/test_doors.c
tests_unit_test_doors_CFLAGS = $(mech_test_cflags)
tests_unit_test_doors_LDADD = $(mech_test_ldadd)

tests_unit_test_image_SOURCES = tests/unit/test_image.c
tests_unit_test_image_CFLAGS = $(mech_test_cflags)
tests_unit_test_image_LDFLAGS = -Wl,--wrap=move_pages -Wl,--wrap=open
tests_unit_test_image_LDADD = $(mech_test_ldadd)

tests_unit_test_uffd_SOURCES = tests/unit/test_uffd.c
tests_unit_test_uffd_CFLAGS = $(mech_test_cflags)
tests_unit_test_uffd_LDADD = $(mech_test_ldadd)
