# SPDX-License-Identifier: LGPL-2.1-or-later
# The public library. Only what hmmclient.map lists leaves it.
lib_LTLIBRARIES += libclient/libhmmclient.la
include_HEADERS += libclient/include/hmmclient.h
pkgconfig_DATA += libclient/libhmmclient.pc
EXTRA_DIST += libclient/hmmclient.map

libclient_libhmmclient_la_SOURCES = \
	libclient/alloc.c \
	libclient/client.c libclient/client.h \
	libclient/clock.h \
	libclient/configure.c \
	libclient/control.c \
	libclient/driver.c libclient/driver.h \
	libclient/file.c libclient/file.h \
	libclient/free.c \
	libclient/gate.c libclient/gate.h \
	libclient/helper.c \
	libclient/ledger.c libclient/ledger.h \
	libclient/link.c libclient/link.h \
	libclient/lost.c \
	libclient/adoptable.c \
	libclient/map.c libclient/map.h libclient/mapping.c libclient/mapping.h \
	libclient/move.c \
	libclient/op.c libclient/op.h \
	libclient/own.c libclient/own.h \
	libclient/public.h \
	libclient/query.c \
	libclient/range.c libclient/range.h \
	libclient/refusal.c \
	libclient/register.c \
	libclient/resume.c \
	libclient/session.c libclient/session.h \
	libclient/settings.c \
	libclient/stand_in.c \
	libclient/struct.c \
	libclient/table.c libclient/table.h \
	libclient/tiers.c \
	libclient/uffd.c libclient/uffd.h \
	libclient/wire.c libclient/wire.h \
	libclient/work.c libclient/work.h \
	libclient/zap.c
libclient_libhmmclient_la_CFLAGS = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS) -fvisibility=hidden -pthread
libclient_libhmmclient_la_LDFLAGS = -version-info 1:0:0 -no-undefined -pthread \
	-Wl,--version-script=$(top_srcdir)/libclient/hmmclient.map
libclient_libhmmclient_la_LIBADD = proto/libhmmproto.la proto/libhmmfd.la proto/libhmmpb.la $(PROTOBUF_C_LIBS)
EXTRA_libclient_libhmmclient_la_DEPENDENCIES = libclient/hmmclient.map
