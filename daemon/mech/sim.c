// SPDX-License-Identifier: GPL-2.0-or-later
/* The doors of mech_sim: one lock over a short list of pages, for a test has a handful of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/mech/sim_own.h"

static void run_hook(struct sim *s, enum sim_op op)
{
	void (*fn)(void *userdata) = s->hook_op == op ? s->hook : NULL;

	if (fn)
		fn(s->hook_userdata);
}

static bool meant(struct sim *s, enum sim_op op)
{
	if (!s->fail_nth || (s->fail_op != SIM_ANY && s->fail_op != op) || --s->fail_nth)
		return false;
	s->failed = true;
	return true;
}

/* 0 with the lock held, or the failure that was asked for. */
static int enter(struct sim *s, enum sim_op op)
{
	run_hook(s, op);
	pthread_mutex_lock(&s->lock);
	s->calls[SIM_ANY]++;
	s->calls[op]++;
	if (!meant(s, op))
		return 0;
	pthread_mutex_unlock(&s->lock);
	return -s->fail_error;
}

static int leave(struct sim *s, int r)
{
	pthread_mutex_unlock(&s->lock);
	return r;
}

struct sim_page *sim_page_of(struct sim *s, const struct mech_page *p, bool make)
{
	struct sim_page *page;
	struct stat st;

	if (fstat(p->file, &st) < 0)
		return NULL;
	for (page = s->pages; page; page = page->next) {
		if (page->inode == st.st_ino && page->offset == p->offset)
			return page;
	}
	page = make ? calloc(1, sizeof(*page)) : NULL;
	if (!page)
		return NULL;
	page->bytes = calloc(1, LEDGER_PAGE_SIZE);
	if (!page->bytes) {
		free(page);
		return NULL;
	}
	page->inode = st.st_ino;
	page->offset = p->offset;
	page->next = s->pages;
	s->pages = page;
	return page;
}

static void sim_done(struct mech *m)
{
	struct sim *s = sim_of(m);

	for (struct sim_page *p = s->pages, *next; p; p = next) {
		next = p->next;
		free(p->bytes);
		free(p);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static int sim_create(struct mech *m, const char *name, uint64_t size, int *ret_fd)
{
	struct sim *s = sim_of(m);
	int fd, r = enter(s, SIM_CREATE);

	if (r)
		return r;
	fd = memfd_create(name ? name : "", MFD_CLOEXEC);
	if (fd < 0)
		return leave(s, -errno);
	if (ftruncate(fd, (off_t)size) < 0) {
		r = -errno;
		close(fd);
		return leave(s, r);
	}
	*ret_fd = fd;
	return leave(s, 0);
}

static int sim_check(struct mech *m, int fd, uint64_t size)
{
	struct stat st;

	(void)m;
	return fstat(fd, &st) == 0 && (uint64_t)st.st_size == size ? 0 : -EINVAL;
}

/* src NULL: zeros. Returns how many halves were holes. */
static int put(struct sim_page *page, const uint8_t *src)
{
	int n = 0;

	for (int i = 0; i < HALVES; i++) {
		if (page->there[i])
			continue;
		if (src)
			memcpy(page->bytes + i * HALF, src + i * HALF, HALF);
		else
			memset(page->bytes + i * HALF, 0, HALF);
		page->there[i] = true;
		n++;
	}
	page->poisoned = false;
	return n;
}

static int sim_zero(struct mech *m, const struct mech_page *p)
{
	struct sim *s = sim_of(m);
	struct sim_page *page;
	int r = enter(s, SIM_ZERO);

	if (r)
		return r;
	page = sim_page_of(s, p, true);
	if (!page)
		return leave(s, -ENOMEM);
	return leave(s, put(page, NULL) ? 0 : -EEXIST);
}

static int sim_fill(struct mech *m, const struct mech_page *p, const void *src)
{
	struct sim *s = sim_of(m);
	struct sim_page *page;
	int r = enter(s, SIM_FILL);

	if (r)
		return r;
	page = sim_page_of(s, p, true);
	if (page)
		put(page, src);
	return leave(s, page ? 0 : -ENOMEM);
}

static int set_frozen(struct mech *m, const struct mech_page *p, enum sim_op op, bool frozen)
{
	struct sim *s = sim_of(m);
	struct sim_page *page;
	int r = enter(s, op);

	if (r)
		return r;
	page = sim_page_of(s, p, true);
	if (page)
		page->frozen = frozen;
	return leave(s, page ? 0 : -ENOMEM);
}

static int sim_freeze(struct mech *m, const struct mech_page *p)
{
	return set_frozen(m, p, SIM_FREEZE, true);
}

static int sim_thaw(struct mech *m, const struct mech_page *p)
{
	return set_frozen(m, p, SIM_THAW, false);
}

static int sim_copy_out(struct mech *m, const struct mech_page *p, void *dst)
{
	struct sim *s = sim_of(m);
	struct sim_page *page;
	int r = enter(s, SIM_COPY_OUT);

	if (r)
		return r;
	page = sim_page_of(s, p, false);
	for (int i = 0; i < HALVES; i++) {
		if (page && page->there[i])
			memcpy((uint8_t *)dst + i * HALF, page->bytes + i * HALF, HALF);
		else
			memset((uint8_t *)dst + i * HALF, 0, HALF);
	}
	return leave(s, 0);
}

static int sim_punch(struct mech *m, const struct mech_page *p)
{
	struct sim *s = sim_of(m);
	struct sim_page *page;
	int r = enter(s, SIM_PUNCH);

	if (r)
		return r;
	page = sim_page_of(s, p, false);
	if (page) {
		memset(page->there, 0, sizeof(page->there));
		page->frozen = page->poisoned = false;
	}
	return leave(s, 0);
}

static bool whole(const struct sim_page *page)
{
	return page && page->there[0] && page->there[1];
}

static int sim_present(struct mech *m, const struct mech_page *p)
{
	struct sim *s = sim_of(m);
	int r = enter(s, SIM_PRESENT);

	return r ? r : leave(s, whole(sim_page_of(s, p, false)));
}

static int sim_wake(struct mech *m, const struct mech_page *p)
{
	struct sim *s = sim_of(m);
	int r = enter(s, SIM_WAKE);

	(void)p;
	return r ? r : leave(s, 0);
}

/* What is there is always mapped here. */
static int sim_map(struct mech *m, const struct mech_page *p, bool *ret_was)
{
	struct sim *s = sim_of(m);
	int r = enter(s, SIM_MAP);

	if (r)
		return r;
	if (!whole(sim_page_of(s, p, false)))
		return leave(s, -EFAULT);
	*ret_was = true;
	return leave(s, 0);
}

static int sim_poison(struct mech *m, const struct mech_page *p)
{
	struct sim *s = sim_of(m);
	struct sim_page *page;
	int r = enter(s, SIM_POISON);

	if (r)
		return r;
	page = sim_page_of(s, p, true);
	if (page)
		page->poisoned = true;
	return leave(s, page ? 0 : -ENOMEM);
}

static const struct mech_ops sim_ops = {
	.name = "sim", .done = sim_done, .create = sim_create, .check = sim_check, .zero = sim_zero, .fill = sim_fill,
	.freeze = sim_freeze, .thaw = sim_thaw, .copy_out = sim_copy_out, .punch = sim_punch, .present = sim_present,
	.wake = sim_wake, .map = sim_map, .poison = sim_poison
};

int mech_sim_new(struct mech **ret)
{
	struct sim *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->mech.ops = &sim_ops;
	pthread_mutex_init(&s->lock, NULL);
	*ret = &s->mech;
	return 0;
}
