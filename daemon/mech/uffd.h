/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ioctls of a userfaultfd, one call each, for the two backings. While a thread of the client unmaps managed
 * memory the kernel refuses them, until that thread's message was read: so all that is there is read, where a gate says
 * that it may, and the call is tried again, a bounded number of times, then -EAGAIN. Of `page` they take the userfaultfd and its gate alone.
 */
#ifndef HMMD_MECH_UFFD_H
#define HMMD_MECH_UFFD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/mech/mech.h"

enum {
	UFFD_QUIET = 1,		/* wakes nobody */
	UFFD_PROTECTED = 2	/* what is put in place is write-protected */
};

/* *ret_done: bytes in place before the error; set in every case. -EEXIST, -ENOMEM, -ESRCH, -ENOENT, -EAGAIN, -EFAULT. */
int uffd_copy(const struct mech_page *page, uint64_t addr, const void *src, size_t size, unsigned int flags, size_t *ret_done);
/* With on == false it wakes as well. */
int uffd_protect(const struct mech_page *page, uint64_t addr, size_t size, bool on);
int uffd_wake(const struct mech_page *page, uint64_t addr, size_t size);
/* Maps pages that the file has, write-protected; *ret_done as above. -EEXIST: mapped, -EFAULT: a hole, -EOPNOTSUPP before kernel 6.4. */
int uffd_map(const struct mech_page *page, uint64_t addr, size_t size, size_t *ret_done);
/* Of holes only; what is in place stays. Wakes. -EOPNOTSUPP before kernel 6.6. */
int uffd_poison(const struct mech_page *page, uint64_t addr, size_t size);

#endif
