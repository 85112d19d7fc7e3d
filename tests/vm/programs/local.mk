# SPDX-License-Identifier: GPL-2.0-or-later
# Programs of the tests that run in guests (tests/vm/guest). They are made when
# they are packed, and like the tests of tests/integ they start a hmmd of their own
# or talk to the service.
vm_programs = \
	tests/vm/programs/mended \
	tests/vm/programs/numa_found \
	tests/vm/programs/numa_moves \
	tests/vm/programs/numa_policy \
	tests/vm/programs/numa_undone \
	tests/vm/programs/service
EXTRA_PROGRAMS += $(vm_programs)

vm_program_common = tests/vm/programs/patience.h
vm_program_nodes = $(vm_program_common) tests/vm/programs/node.c tests/vm/programs/node.h

tests_vm_programs_numa_found_SOURCES = tests/vm/programs/numa_found.c $(vm_program_nodes)
tests_vm_programs_numa_found_CFLAGS = $(support_cflags)
tests_vm_programs_numa_found_LDADD = $(support_ldadd) -lnuma
tests_vm_programs_numa_moves_SOURCES = tests/vm/programs/numa_moves.c $(vm_program_nodes)
tests_vm_programs_numa_moves_CFLAGS = $(support_cflags)
tests_vm_programs_numa_moves_LDADD = $(support_ldadd) -lnuma

tests_vm_programs_numa_policy_SOURCES = tests/vm/programs/numa_policy.c $(vm_program_nodes)
tests_vm_programs_numa_policy_CFLAGS = $(support_cflags)
tests_vm_programs_numa_policy_LDADD = $(support_ldadd) -lnuma

tests_vm_programs_numa_undone_SOURCES = tests/vm/programs/numa_undone.c $(vm_program_nodes)
tests_vm_programs_numa_undone_CFLAGS = $(support_cflags)
tests_vm_programs_numa_undone_LDADD = $(support_ldadd) -lnuma

vm_program_unit = $(vm_program_common) tests/vm/programs/unit.c tests/vm/programs/unit.h \
	tests/vm/programs/work.c tests/vm/programs/work.h

tests_vm_programs_mended_SOURCES = tests/vm/programs/mended.c $(vm_program_unit)
tests_vm_programs_mended_CFLAGS = $(support_cflags)
tests_vm_programs_mended_LDADD = $(support_ldadd)
tests_vm_programs_service_SOURCES = tests/vm/programs/service.c $(vm_program_unit)
tests_vm_programs_service_CFLAGS = $(support_cflags)
tests_vm_programs_service_LDADD = $(support_ldadd)

# What tests/vm/host packs. DESTINATION: where they go, without what make knows of
# the build directory.
.PHONY: vm-programs
vm-programs: $(vm_programs)
	@$(MKDIR_P) '$(DESTINATION)'
	@for p in $(vm_programs); do \
		./libtool --silent --mode=install install -m 755 $$p '$(DESTINATION)' || exit; \
	done

EXTRA_DIST += tests/vm/guest/numa-tests tests/vm/guest/service-tests \
	tests/vm/host/numa-tests tests/vm/host/service-tests
