/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A test and its child wait for each other: one byte at a time over two pipes. */
#ifndef HMMD_TESTS_SUPPORT_LINE_H
#define HMMD_TESTS_SUPPORT_LINE_H

#include <stdbool.h>
#include <unistd.h>

/* One side. */
struct line {
	int in, out;
};

static inline bool line_tell(const struct line *l)
{
	return write(l->out, "", 1) == 1;
}

/* False: the other side has ended. */
static inline bool line_hear(const struct line *l)
{
	char byte;

	return read(l->in, &byte, 1) == 1;
}

#endif
