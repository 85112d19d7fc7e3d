/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which of the address spaces that a process has, one after the other, is meant: execve(2) keeps the pid and makes a
 * new one. Its mark is made of where the kernel has put code, data, heap and stack, which is chosen anew, at random,
 * by each execve(2), and shown in /proc/PID/stat to those alone who may read the memory itself. So who knows the mark
 * of an address space is in it, or may see all that it could learn about it.
 */
#ifndef HMMD_PROTO_IMAGE_H
#define HMMD_PROTO_IMAGE_H

#include <stdint.h>

struct image {
	int32_t pid;
	uint64_t mark;		/* 0: not known */
};

enum { IMAGE_STAT = 4096 };	/* bytes of /proc/PID/stat; it has less than 1200 */
enum { IMAGE_E_HIDDEN = 1 /* the reader may not see it, or it is none any more */ };
/* The text of /proc/PID/stat. 0 (*ret is never 0), IMAGE_E_HIDDEN, -EINVAL: that is not what it is. */
int image_mark(const char *stat, uint64_t *ret);

#endif
