# SPDX-License-Identifier: LGPL-2.1-or-later
# The contract of the socket. Generated code sits in an archive of its own, so that the purity of the
# hand-written part can be checked by the linker; descriptors are passed by a third one.
noinst_LTLIBRARIES += proto/libhmmpb.la proto/libhmmproto.la proto/libhmmfd.la

proto_generated = proto/hmmd.pb-c.c proto/hmmd.pb-c.h
BUILT_SOURCES += $(proto_generated)
CLEANFILES += $(proto_generated)
EXTRA_DIST += proto/hmmd.proto

proto/hmmd.pb-c.h: $(top_srcdir)/proto/hmmd.proto
	$(AM_V_GEN)$(MKDIR_P) proto && \
	$(PROTOC_C) -I$(top_srcdir) --c_out=$(top_builddir) $(top_srcdir)/proto/hmmd.proto
proto/hmmd.pb-c.c: proto/hmmd.pb-c.h
	@test -f $@ || { rm -f proto/hmmd.pb-c.h; $(MAKE) $(AM_MAKEFLAGS) proto/hmmd.pb-c.h; }

nodist_proto_libhmmpb_la_SOURCES = $(proto_generated)
proto_libhmmpb_la_SOURCES =
proto_libhmmpb_la_CFLAGS = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS) -fvisibility=hidden

proto_libhmmproto_la_SOURCES = \
	proto/arena.c proto/arena.h \
	proto/frame.c proto/frame.h \
	proto/gate.h \
	proto/image.c proto/image.h \
	proto/ledger.h proto/limits.h \
	proto/text.c proto/text.h \
	proto/validate.c proto/validate.h \
	proto/validate_client.c proto/validate_daemon.c \
	proto/validate_field.c proto/validate_field.h
proto_libhmmproto_la_CFLAGS = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS) -fvisibility=hidden

proto_libhmmfd_la_SOURCES = proto/fd.c proto/fd.h
proto_libhmmfd_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
