/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ioctls of a userfaultfd, one call each, for the two backings. All retry what the kernel asks to be
 * retried (the address space of the client is changing), a bounded number of times, then -EAGAIN.
 */
#ifndef HMMD_MECH_UFFD_H
#define HMMD_MECH_UFFD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	UFFD_QUIET = 1,		/* wakes nobody */
	UFFD_PROTECTED = 2	/* what is put in place is write-protected */
};

/* *ret_done: bytes in place before the error; set in every case. -EEXIST, -ENOMEM, -ESRCH, -ENOENT, -EAGAIN, -EFAULT. */
int uffd_copy(int uffd, uint64_t addr, const void *src, size_t size, unsigned int flags, size_t *ret_done);
/* With on == false it wakes as well. */
int uffd_protect(int uffd, uint64_t addr, size_t size, bool on);
int uffd_wake(int uffd, uint64_t addr, size_t size);
/* Maps pages that the file has, write-protected; *ret_done as above. -EEXIST: mapped, -EFAULT: a hole, -EOPNOTSUPP before kernel 6.4. */
int uffd_map(int uffd, uint64_t addr, size_t size, size_t *ret_done);
/* Of holes only; what is in place stays. Wakes. -EOPNOTSUPP before kernel 6.6. */
int uffd_poison(int uffd, uint64_t addr, size_t size);

#endif
