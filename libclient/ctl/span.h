/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PID[:ADDR-END], the way every verb names memory of a process. */
#ifndef HMMCTL_SPAN_H
#define HMMCTL_SPAN_H

#include <stdint.h>

struct span {
	int32_t pid;
	uint64_t addr, end;	/* bytes, end exclusive; 0, 0: everything */
};

/* 0, or -EINVAL with *ret_why set to what is wrong (static text). */
int span_parse(const char *text, struct span *ret, const char **ret_why);
/* A process id alone: 0 or -EINVAL. */
int span_parse_pid(const char *text, int32_t *ret);

#endif
