// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files of managed ranges (memfile.h). A client's one file is sparse and as large as file offsets reach, so that it
 * never has to grow: all that it costs is the pages in it. No place in it is given out twice. So whoever
 * maps a range that was freed, and whatever was left there by a client that did not punch it or by a daemon that
 * died at that moment, can show its bytes to no later range, and nothing needs to be found out about it
 * at a start but where the next window begins, which every record tells. Where a limit on the size of files
 * (RLIMIT_FSIZE) lets the windows be used up, ranges get files of their own until the last window is freed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/io/blocks.h"
#include "daemon/io/daemon.h"
#include "daemon/io/memfile.h"
#include "daemon/io/notify.h"

/* Beyond it the kernel would end us by a signal. */
static uint64_t largest_file(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur >= HMM_LIMIT_FILE)
		return HMM_LIMIT_FILE;
	return limit.rlim_cur / LEDGER_PAGE_SIZE * LEDGER_PAGE_SIZE;
}

static void put_in(struct memfile *f, struct range *r, uint64_t offset)
{
	f->users++;
	f->home = atomic_load(&r->home);
	r->file = f;
	r->offset = offset;
	r->backing = f->fd;
}

static int fill_in(struct daemon *d, struct memfile *f, const char *name)
{
	struct stat st;
	int rc = d->mech->ops->create(d->mech, name[0] ? name : "hmm", f->size, &f->fd);

	if (rc)
		return rc;
	if (fstat(f->fd, &st) < 0) {
		rc = -errno;
		close(f->fd);
		return rc;
	}
	f->inode = st.st_ino;
	return 0;
}

/* The range that it is for makes it a user's. */
static struct memfile *new_file(struct daemon *d, const struct range *r, const struct memfile *f)
{
	struct memfile *made = malloc(sizeof(*made));

	if (!made)
		return NULL;
	*made = *f;
	made->space = r->space;
	list_init(&made->counted);
	if (!blocks_add(d, made))
		return made;
	free(made);
	return NULL;
}

static int create(struct daemon *d, const struct range *r, struct memfile f, const char *name, struct memfile **ret)
{
	int rc = fill_in(d, &f, name);

	if (rc)
		return rc;
	*ret = new_file(d, r, &f);
	if (*ret)
		return 0;
	close(f.fd);
	return -ENOMEM;
}

static bool has_room(const struct space *s, uint64_t size)
{
	const struct memfile *f = s->file;

	if (!f)
		return size <= largest_file();
	return f->fd >= 0 && size <= f->size && f->next <= f->size - size;
}

static int take_window(struct daemon *d, struct range *r)
{
	struct space *s = r->space;
	struct memfile *f = s->file;
	int rc = 0;

	if (!f)
		rc = create(d, r, (struct memfile){ .shared = true, .id = s->client, .size = largest_file() }, s->name, &f);
	if (rc)
		return rc;
	s->file = f;
	put_in(f, r, f->next);
	f->next += r->size;
	return 0;
}

int memfile_take(struct daemon *d, struct range *r, bool windows)
{
	struct memfile *f;
	int rc;

	if (windows && has_room(r->space, r->size))
		return take_window(d, r);
	if (r->size > largest_file())
		return -EFBIG;
	rc = create(d, r, (struct memfile){ .id = r->id, .size = r->size }, r->name, &f);
	if (!rc)
		put_in(f, r, 0);
	return rc;
}

int memfile_restore(struct daemon *d, struct range *r, const struct range_record *rec)
{
	struct space *s = r->space;
	struct memfile *f = rec->window ? s->file : NULL;

	if (!f)
		f = new_file(d, r, &(struct memfile){ .fd = -1, .shared = rec->window, .inode = rec->inode,
						      .id = rec->window ? s->client : rec->id,
						      .next = rec->window ? ledgerfile_next_window(s->ledger) : 0 });
	if (!f)
		return -ENOMEM;
	if (rec->window)
		s->file = f;
	put_in(f, r, rec->offset);
	return 0;
}

void memfile_to_record(const struct range *r, struct range_record *rec)
{
	const struct memfile *f = r->file, *shared = r->space->file;

	rec->inode = f->inode;
	rec->offset = r->offset;
	rec->window = f->shared;
	rec->next = shared ? shared->next : 0;
}

static void store_name(const struct memfile *f, char *ret)
{
	snprintf(ret, MEMFILE_NAME, "m%" PRIu64, f->id);
}

bool memfile_at_hand(struct range *r)
{
	struct memfile *f = r->file;
	char name[MEMFILE_NAME];

	if (f->fd < 0) {
		store_name(f, name);
		f->fd = notify_fd(name);
		f->stored = f->fd >= 0;
		if (f->stored)
			charge_force(&f->place, r->space->account, ACCOUNT_STORED, 1);
	}
	return f->fd >= 0;
}

/* The file on record, and reaching to the end of the range. */
static bool is_file(struct daemon *d, const struct range *r, int fd, struct stat *ret)
{
	const struct memfile *f = r->file;

	return fd >= 0 && fstat(fd, ret) == 0 && ret->st_ino == f->inode &&
	       d->mech->ops->check(d->mech, fd, r->offset + r->size) == 0;
}

int memfile_sent(struct daemon *d, struct range *r, int fd)
{
	struct memfile *f = r->file;
	struct stat st;

	if (fd < 0)
		return f->fd >= 0 && f->shared ? 0 : -EINVAL;
	if (!is_file(d, r, fd, &st))
		return -EINVAL;
	if (f->fd >= 0)
		close(fd);	/* another descriptor of the same file */
	else
		f->fd = fd;
	return 0;
}

bool memfile_open(struct daemon *d, struct range *r)
{
	struct memfile *f = r->file;
	struct stat st;

	if (!is_file(d, r, f->fd, &st))
		return false;
	f->size = (uint64_t)st.st_size;
	r->backing = f->fd;
	return true;
}

int memfile_store(struct range *r)
{
	struct memfile *f = r->file;
	char name[MEMFILE_NAME];
	int rc;

	if (f->stored)
		return 0;
	if (!notify_has_place(r->space->uid))
		return SPACE_E_STORE;
	if (charge_take(&f->place, r->space->account, ACCOUNT_STORED, 1))
		return SPACE_E_STORED;
	store_name(f, name);
	rc = notify_store(name, f->fd);
	if (rc)
		charge_give(&f->place);
	f->stored = !rc;
	return rc == NOTIFY_E_FULL ? SPACE_E_STORE : rc;
}

void memfile_drop(struct daemon *d, struct range *r)
{
	struct memfile *f = r->file;
	char name[MEMFILE_NAME];

	r->file = NULL;
	r->backing = -1;
	if (!f || --f->users)
		return;
	if (r->space->file == f)
		r->space->file = NULL;
	store_name(f, name);
	if (!d->keep)
		notify_forget(name);
	charge_give(&f->place);
	if (blocks_remove(f))
		memfile_end(f);
}

void memfile_end(struct memfile *f)
{
	if (f->fd >= 0)
		close(f->fd);
	free(f);
}
