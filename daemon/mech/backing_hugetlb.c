// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Managed pages in hugetlb memory files: one page, one page table entry, nothing that splits.
 * A dry pool makes UFFDIO_COPY say EEXIST as often as ENOMEM (the kernel takes the missing page for
 * a race it lost), so EEXIST counts only after a look into the file. Believing it would lose the page.
 */
#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "daemon/mech/backing.h"
#include "daemon/mech/kernel.h"
#include "daemon/mech/uffd.h"
#include "daemon/mech/view.h"

#define PAGE LEDGER_PAGE_SIZE

struct mech_hugetlb {
	struct mech mech;
	int views;		/* view.h */
};

static void hugetlb_done(struct mech *m)
{
	struct mech_hugetlb *h = (struct mech_hugetlb *)m;

	if (h->views >= 0)
		close(h->views);
	free(h);
}

static int hugetlb_create(struct mech *m, const char *name, uint64_t size, int *ret_fd)
{
	(void)m;
	return backing_memfd(name, size, MFD_HUGETLB | MFD_HUGE_2MB, ret_fd);
}

static int hugetlb_check(struct mech *m, int fd, uint64_t size)
{
	struct statfs fs;
	struct stat st;

	(void)m;
	if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
		return -EINVAL;
	if (fs.f_type != HUGETLBFS_MAGIC || (uint64_t)fs.f_bsize != PAGE || (uint64_t)st.st_size < size)
		return -EINVAL;
	return backing_check_seals(fd);
}

static int hugetlb_present(struct mech *m, const struct mech_page *p)
{
	return view_present(((struct mech_hugetlb *)m)->views, p);
}

static int hugetlb_fill(struct mech *m, const struct mech_page *p, const void *src)
{
	size_t done;
	int r = uffd_copy(p, p->addr, src, PAGE, 0, &done);

	if (r == -EEXIST) {
		r = hugetlb_present(m, p);
		if (r < 0)
			return r;
		return r ? backing_wake(m, p) : -ENOMEM;
	}
	return r == -ENOSPC ? -ENOMEM : r;
}

static int hugetlb_map(struct mech *m, const struct mech_page *p, bool *ret_was)
{
	size_t done;
	int r = uffd_map(p, p->addr, PAGE, &done);

	(void)m;
	if (r && r != -EEXIST)
		return r;
	*ret_was = r == -EEXIST;
	return 0;
}

static const struct mech_ops hugetlb_ops = {
	.name = "hugetlb",
	.huge = true,
	.done = hugetlb_done,
	.create = hugetlb_create,
	.check = hugetlb_check,
	.zero = backing_zero,
	.fill = hugetlb_fill,
	.freeze = backing_freeze,
	.thaw = backing_thaw,
	.copy_out = backing_copy_out,
	.punch = backing_punch,
	.present = hugetlb_present,
	.wake = backing_wake,
	.map = hugetlb_map,
	.poison = backing_poison,
};

int mech_hugetlb_new(struct mech **ret)
{
	struct mech_hugetlb *h = malloc(sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	*h = (struct mech_hugetlb){ .mech.ops = &hugetlb_ops, .views = -1 };
	r = view_open(&h->views);
	if (r) {
		mech_free(&h->mech);
		return r;
	}
	*ret = &h->mech;
	return 0;
}
