/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of another process, where the kernel takes a pid for it and not an address space. All that goes by a pid
 * comes through here: a pid means the address space that its process has at that moment, which after execve(2) is not
 * the client's any more.
 */
#ifndef HMMD_MECH_IMAGE_H
#define HMMD_MECH_IMAGE_H

#include <stddef.h>
#include <sys/types.h>

#include "proto/image.h"

/* The process's present one. 0, IMAGE_E_HIDDEN, -ESRCH, other -errno: it cannot be told. */
int image_of(pid_t pid, struct image *ret);
/* 0: it is still the process's; -ESRCH: it is not, or there is no such process; -EPERM: not known, or hidden; other -errno: cannot be told. */
int image_check(const struct image *of);
/*
 * move_pages(2). An address space never comes back once execve(2) has ended it, so what was answered is about this one
 * where it is the process's afterwards; else *status means nothing. It is looked at before too, so that nothing
 * of another is moved, but for a process that is in execve(2) at that very moment: the kernel has no door without that.
 * 0, or as image_check() and move_pages(2).
 */
int image_move_pages(const struct image *of, size_t n, void **pages, const int *nodes, int *status, int flags);
/* A file of /proc/PID, for reading: bound to this address space. 0, or as image_check() and open(2). */
int image_open(const struct image *of, const char *name, int *ret_fd);

#endif
