/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors that hold up whoever closes them. */
#ifndef HMMD_TESTS_SUPPORT_STRANGER_H
#define HMMD_TESTS_SUPPORT_STRANGER_H

#include <sys/types.h>

/* A connected TCP socket with data that nobody reads: its last close waits for an hour. Its own peer is never closed. */
int stranger_lingering(void);

/*
 * A file on FUSE whose server never answers FLUSH: every close of it waits, and no signal ends that. `use` runs
 * in a process of its own that opens it, and that holds it until stranger_end(); so does the mount, in a
 * namespace of its own. All of it ends with the caller, too.
 */
struct stranger {
	pid_t server;		/* 0: none */
	int done;		/* readable when `use` has returned */
};
const char *stranger_missing(void);	/* why there can be none here, or NULL */
void stranger_begin(struct stranger *s, void (*use)(int fd, void *userdata), void *userdata);
/* From here every close of the file goes through. */
void stranger_end(struct stranger *s);

#endif
