# SPDX-License-Identifier: GPL-2.0-or-later
# The doors to the kernel.
noinst_LTLIBRARIES += daemon/mech/libmech.la
daemon_mech_libmech_la_SOURCES = \
	daemon/mech/backing.c daemon/mech/backing.h \
	daemon/mech/backing_hugetlb.c daemon/mech/backing_shm.c \
	daemon/mech/capability.c daemon/mech/capability_driver.c \
	daemon/mech/capability_memory.c daemon/mech/capability_own.h \
	daemon/mech/doors.h \
	daemon/mech/driver.c daemon/mech/driver.h daemon/mech/driver_look.c \
	daemon/mech/driver_sim.c daemon/mech/driver_sim.h \
	daemon/mech/driver_sim_control.c daemon/mech/driver_sim_own.h \
	daemon/mech/gate.c \
	daemon/mech/hugepool.c \
	daemon/mech/hugepool_record.c daemon/mech/hugepool_record.h \
	daemon/mech/image.c daemon/mech/image.h \
	daemon/mech/kernel.h \
	daemon/mech/limits.c daemon/mech/limits.h \
	daemon/mech/mech.h \
	daemon/mech/mover.c daemon/mech/mover.h daemon/mech/mover_own.h \
	daemon/mech/mover_evict.c daemon/mech/mover_fill.c daemon/mech/mover_recover.c \
	daemon/mech/numa.c \
	daemon/mech/numa_leave.c daemon/mech/numa_where.c \
	daemon/mech/pagemap.c \
	daemon/mech/peer.c \
	daemon/mech/view.c daemon/mech/view.h \
	daemon/mech/read_now.c daemon/mech/read_now.h \
	daemon/mech/sim.c daemon/mech/sim.h daemon/mech/sim_client.c daemon/mech/sim_own.h \
	daemon/mech/thpmount.c \
	daemon/mech/uffd.c daemon/mech/uffd.h \
	daemon/mech/vet.c daemon/mech/vet.h
daemon_mech_libmech_la_LIBADD = $(HUGETLBFS_LIBS) $(NUMA_LIBS)
