# SPDX-License-Identifier: GPL-2.0-or-later
# libFuzzer targets: FUZZ_TARGETS names them, tests/fuzz/corpus/NAME is where each starts from. They are
# built by `make fuzz` alone, in a tree configured with --enable-fuzz.
FUZZ_TARGETS = frame config
fuzz_programs = tests/fuzz/fuzz_frame tests/fuzz/fuzz_config

EXTRA_PROGRAMS += $(fuzz_programs)
EXTRA_DIST += tests/fuzz/corpus

tests_fuzz_fuzz_frame_SOURCES = tests/fuzz/fuzz_frame.c
tests_fuzz_fuzz_frame_CFLAGS = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS)
tests_fuzz_fuzz_frame_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_frame_LDADD = proto/libhmmproto.la proto/libhmmpb.la $(PROTOBUF_C_LIBS)

tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c
tests_fuzz_fuzz_config_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_config_LDADD = daemon/io/libio.la

.PHONY: fuzz
fuzz: $(BUILT_SOURCES)
	$(MAKE) $(AM_MAKEFLAGS) $(fuzz_programs)
