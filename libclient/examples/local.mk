# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_PROGRAMS += libclient/examples/hello libclient/examples/wordindex
dist_noinst_SCRIPTS += libclient/examples/demo

libclient_examples_hello_SOURCES = libclient/examples/hello.c
libclient_examples_hello_LDADD = libclient/libhmmclient.la

libclient_examples_wordindex_SOURCES = \
	libclient/examples/wordindex.c \
	libclient/examples/wordindex.h \
	libclient/examples/wordindex_corpus.c \
	libclient/examples/wordindex_dictionary.c \
	libclient/examples/wordindex_memory.c \
	libclient/examples/wordindex_postings.c \
	libclient/examples/wordindex_queries.c
libclient_examples_wordindex_CFLAGS = $(AM_CFLAGS) $(ZLIB_CFLAGS)
libclient_examples_wordindex_LDADD = libclient/libhmmclient.la $(ZLIB_LIBS) -lm
