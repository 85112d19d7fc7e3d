# SPDX-License-Identifier: GPL-2.0-or-later
# The pure parts of the kernel module as an archive for tests, under the kernel's rules for C.
noinst_LTLIBRARIES += drivers/kmod/libpure.la
drivers_kmod_libpure_la_SOURCES = \
	drivers/kmod/pure.h drivers/uapi/hmmdev.h \
	drivers/kmod/block.c drivers/kmod/block.h \
	drivers/kmod/limit.c drivers/kmod/limit.h \
	drivers/kmod/mirror.c drivers/kmod/mirror.h \
	drivers/kmod/ring.c drivers/kmod/ring.h \
	drivers/kmod/thrash.c drivers/kmod/thrash.h \
	drivers/kmod/window.c drivers/kmod/window.h
drivers_kmod_libpure_la_CFLAGS = $(AM_CFLAGS) -Wdeclaration-after-statement -Wvla \
	-Wstrict-prototypes -Wmissing-prototypes
