/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The doors to the kernel for managed pages, behind one table: mech_hugetlb and mech_shm are real
 * (one per kind of backing file), mech_sim is the same in plain memory with failures on demand.
 * Mechanism never decides and never logs. All functions may be called from any thread; for one page
 * the caller owns the page's state (daemon/core/page.h).
 */
#ifndef HMMD_MECH_MECH_H
#define HMMD_MECH_MECH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gate;
struct mech;

struct mech_page {
	int uffd;		/* of the client */
	struct gate *gate;	/* who may read it; NULL: all */
	int file;		/* backing */
	uint64_t addr;		/* in the client, huge-page aligned */
	uint64_t offset;	/* in the file */
};

struct mech_ops {
	const char *name;	/* "hugetlb", "thp", "small", "sim" */
	bool huge;		/* a page of ours is one page of the kernel's, however it is mapped */
	void (*done)(struct mech *m);	/* through mech_free() */
	/* A sealed file of this size with nothing in it. -ENOMEM, -ENOSPC, -EMFILE. */
	int (*create)(struct mech *m, const char *name, uint64_t size, int *ret_fd);
	/* Is this descriptor such a file, of this size at least (after a restart)? 0, -EINVAL. */
	int (*check)(struct mech *m, int fd, uint64_t size);
	/* Puts a page of zeros into a hole; does not wake. -ENOMEM: no memory of this kind; 0 or -EEXIST: it was there, and stays as it is. */
	int (*zero)(struct mech *m, const struct mech_page *p);
	/* Puts the contents into the holes of the page, atomically per hardware page, and wakes. 0 also when all was there already. -ENOMEM (a part of it may be there, and stays), -ESRCH: the client is gone, -ENOENT: not mapped there any more, -EAGAIN. */
	int (*fill)(struct mech *m, const struct mech_page *p, const void *src);
	/* From here writers fault and wait; readers go on. */
	int (*freeze)(struct mech *m, const struct mech_page *p);
	/* Writers go on; wakes. */
	int (*thaw)(struct mech *m, const struct mech_page *p);
	/* The page's bytes into dst (huge-page size). Holes read as zeros. */
	int (*copy_out)(struct mech *m, const struct mech_page *p, void *dst);
	/* Gives the memory back; threads that touch it fault. */
	int (*punch)(struct mech *m, const struct mech_page *p);
	/* 1: every byte is there; 0: there is a hole. */
	int (*present)(struct mech *m, const struct mech_page *p);
	int (*wake)(struct mech *m, const struct mech_page *p);
	/*
	 * Maps in the client what is there but not mapped, write-protected: whoever freezes it meanwhile finds it
	 * frozen, and the next write is a fault like any other. *ret_was: some of it was mapped before. -EFAULT: a
	 * hole, -EOPNOTSUPP before kernel 6.4.
	 */
	int (*map)(struct mech *m, const struct mech_page *p, bool *ret_was);
	/* Later touches raise SIGBUS; wakes. -EOPNOTSUPP before kernel 6.6. */
	int (*poison)(struct mech *m, const struct mech_page *p);
};

struct mech {
	const struct mech_ops *ops;	/* first member of every implementation */
};

/* pool_bytes: the most that files of this kind will hold; raises the overcommit of huge pages (daemon/mech/hugepool.h). */
int mech_hugetlb_new(struct mech **ret);
enum mech_shm { MECH_SHM_THP /* tmpfs mounted with huge=always at dir */, MECH_SHM_SMALL /* memory file, base pages */ };
int mech_shm_new(struct mech **ret, enum mech_shm kind, const char *dir);
struct mech *mech_free(struct mech *m);
/* Takes a page of this kind for a moment, where this thread's memory policy says. 0: there is one; -ENOMEM, -ENOSPC and others: none to be had. */
int mech_try_page(struct mech *m);

#endif
