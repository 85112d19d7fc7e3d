# SPDX-License-Identifier: GPL-2.0-or-later
# libFuzzer targets: FUZZ_TARGETS names them, tests/fuzz/corpus/NAME is where each starts from. They are
# built by `make fuzz` alone, in a tree configured with --enable-fuzz.
FUZZ_TARGETS = frame config kmod_block kmod_mirror kmod_ring
fuzz_programs = tests/fuzz/fuzz_frame tests/fuzz/fuzz_config tests/fuzz/fuzz_kmod_block \
	tests/fuzz/fuzz_kmod_mirror tests/fuzz/fuzz_kmod_ring

EXTRA_PROGRAMS += $(fuzz_programs)
EXTRA_DIST += tests/fuzz/corpus

tests_fuzz_fuzz_frame_SOURCES = tests/fuzz/fuzz_frame.c
tests_fuzz_fuzz_frame_CFLAGS = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS)
tests_fuzz_fuzz_frame_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_frame_LDADD = proto/libhmmproto.la proto/libhmmpb.la $(PROTOBUF_C_LIBS)

tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c
tests_fuzz_fuzz_config_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_config_LDADD = daemon/io/libio.la

tests_fuzz_fuzz_kmod_block_SOURCES = tests/fuzz/fuzz_kmod_block.c \
	tests/unit/kmod/block_model.c tests/unit/kmod/block_model.h
tests_fuzz_fuzz_kmod_block_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_kmod_block_LDADD = drivers/kmod/libpure.la

tests_fuzz_fuzz_kmod_mirror_SOURCES = tests/fuzz/fuzz_kmod_mirror.c \
	tests/unit/kmod/mirror_model.c tests/unit/kmod/mirror_model.h
tests_fuzz_fuzz_kmod_mirror_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_kmod_mirror_LDADD = drivers/kmod/libpure.la

tests_fuzz_fuzz_kmod_ring_SOURCES = tests/fuzz/fuzz_kmod_ring.c \
	tests/unit/kmod/ring_model.c tests/unit/kmod/ring_model.h
tests_fuzz_fuzz_kmod_ring_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_kmod_ring_LDADD = drivers/kmod/libpure.la

.PHONY: fuzz
fuzz: $(BUILT_SOURCES)
	$(MAKE) $(AM_MAKEFLAGS) $(fuzz_programs)
