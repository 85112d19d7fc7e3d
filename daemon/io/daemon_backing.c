// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Huge pages on demand are the first choice; a tmpfs with huge=always where the pool cannot be had;
 * base pages last. "Can be had" is found out by taking one page, because a limit that may be raised
 * says nothing about fragmented memory. While programs live that have files of an earlier daemon there is no
 * choice: another backing would refuse their files, and that would be the end of their memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/io/daemon.h"
#include "daemon/io/daemon_backing.h"
#include "daemon/io/hugepages.h"
#include "daemon/io/log.h"
#include "daemon/io/options.h"
#include "proto/hmmd.pb-c.h"

static int use(struct daemon *d)
{
	int r = mech_try_page(d->mech);

	if (r)
		d->mech = mech_free(d->mech);
	return r;
}

static int open_hugetlb(struct daemon *d)
{
	int r = hugepages_new(&d->hugepages, d->world);

	if (r)
		return r;
	r = mech_hugetlb_new(&d->mech);
	if (!r)
		r = use(d);
	if (r)
		d->hugepages = hugepages_free(d->hugepages);
	return r;
}

static void thp_dir(const struct daemon *d, char *buf, size_t size)
{
	snprintf(buf, size, "%s/thp", d->world->config.state_dir);
}

static int open_thp(struct daemon *d)
{
	char dir[CONFIG_PATH + 16];
	int r;

	thp_dir(d, dir, sizeof(dir));
	r = thpmount_make(dir);
	if (r)
		return r;
	r = mech_shm_new(&d->mech, MECH_SHM_THP, dir);
	if (!r)
		r = use(d);
	if (r)
		thpmount_remove(dir);
	return r;
}

static int open_small(struct daemon *d)
{
	int r = mech_shm_new(&d->mech, MECH_SHM_SMALL, NULL);

	return r ? r : use(d);
}

static const struct {
	enum backing_choice choice;
	uint32_t backing;		/* enum Backing of the protocol */
	const char *name;
	int (*open)(struct daemon *d);
} kinds[] = {
	{ BACKING_CHOICE_HUGETLB, HMMD__BACKING__BACKING_HUGETLB, "hugetlb", open_hugetlb },
	{ BACKING_CHOICE_THP, HMMD__BACKING__BACKING_THP, "thp", open_thp },
	{ BACKING_CHOICE_SMALL, HMMD__BACKING__BACKING_BASE, "small", open_small },
};

/* "hugetlb: as configured", or "thp, since hugetlb: Permission denied" */
static void give_reason(struct daemon *d, const char *name, const char *failures)
{
	if (d->survivors.pid)
		snprintf(d->backing_reason, sizeof(d->backing_reason),
			 "%s, since programs have it from an earlier hmmd", name);
	else if (d->options->rootless)
		snprintf(d->backing_reason, sizeof(d->backing_reason),
			 "%s, since hmmd runs without privilege (--rootless)", name);
	else if (d->world->config.backing != BACKING_CHOICE_AUTO)
		snprintf(d->backing_reason, sizeof(d->backing_reason), "%s, as configured", name);
	else if (failures[0])
		snprintf(d->backing_reason, sizeof(d->backing_reason), "%s, since %.120s", name,
			 failures);
	else
		snprintf(d->backing_reason, sizeof(d->backing_reason), "%s, the best there is",
			 name);
}

static bool may_be(const struct daemon *d, size_t kind)
{
	enum backing_choice choice = d->world->config.backing;

	if (d->survivors.pid)
		return kinds[kind].backing == d->survivors.backing;
	return choice == BACKING_CHOICE_AUTO || choice == kinds[kind].choice;
}

/* Every kind needs it, so the same error of all of them says nothing. */
static bool is_denied(void)
{
	int fd, r = uffd_own(&fd);

	if (!r)
		close(fd);
	return r == -EPERM || r == -EACCES || r == -ENOSYS;
}

static int nothing_opened(const struct daemon *d, const char *failures, int r)
{
	if (is_denied())
		log_line(LOG_LEVEL_ERROR, "userfaultfd(2) is denied to hmmd, most likely by a seccomp filter such as that of a "
			 "container, and it cannot use /dev/userfaultfd: allow it one of them");
	if (d->survivors.pid)
		log_line(LOG_LEVEL_ERROR,
			 "pid %d, which lives, has managed memory that would be lost without its backing: %s; "
			 "make that possible again, or end what has managed memory of an earlier hmmd",
			 (int)d->survivors.pid, failures);
	else
		log_line(LOG_LEVEL_ERROR,
			 "no memory for managed ranges: %s; [daemon] backing = auto takes what works",
			 failures);
	return r;
}

int daemon_backing_open(struct daemon *d)
{
	char failures[128] = "";
	size_t n = 0;
	int r = -EINVAL;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!may_be(d, i))
			continue;
		r = kinds[i].open(d);
		if (!r) {
			d->backing = kinds[i].backing;
			give_reason(d, kinds[i].name, failures);
			log_line(LOG_LEVEL_INFO, "backing of managed ranges: %s",
				 d->backing_reason);
			return 0;
		}
		if (n < sizeof(failures))
			n += (size_t)snprintf(failures + n, sizeof(failures) - n, "%s%s: %s",
					      n ? ", " : "", kinds[i].name, strerror(-r));
	}
	return nothing_opened(d, failures, r);
}

void daemon_backing_close(struct daemon *d)
{
	char dir[CONFIG_PATH + 16];

	if (d->mech && d->backing == HMMD__BACKING__BACKING_THP && !d->left_behind) {
		thp_dir(d, dir, sizeof(dir));
		thpmount_remove(dir);
	}
	d->mech = mech_free(d->mech);
	d->hugepages = hugepages_free(d->hugepages);
}
