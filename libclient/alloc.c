// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Managed ranges: the daemon makes the file, the client maps it and registers it with its
 * userfaultfd, and only MapRange makes it a range; whatever fails before leaves nothing behind on
 * either side.
 */
#include <errno.h>
#include <sys/mman.h>

#include "libclient/client.h"
#include "libclient/clock.h"
#include "libclient/file.h"
#include "libclient/map.h"
#include "libclient/own.h"
#include "libclient/uffd.h"

struct allocation {
	struct hmm_range *range;
	uint64_t id;		/* 0: the daemon has nothing of it */
	uint64_t connection;	/* on which the id means something */
	struct file *held;	/* the file that the daemon was told we have */
};

static int take_file(struct hmm_client *c, struct request *req, const Hmmd__Message *m, int *fds)
{
	const Hmmd__AllocReply *reply = m->alloc_reply;
	struct allocation *a = req->into;
	int fd;

	if (m->kind_case != HMMD__MESSAGE__KIND_ALLOC_REPLY)
		return -EPROTO;
	a->id = reply->range;
	a->connection = c->session.connection;
	if (req->starved)
		return -EMFILE;
	fd = fds[0];
	fds[0] = -1;
	return file_place(c, a->range, a->held, reply->file, reply->offset, fd);
}

/* With the lock held. */
static int ask_for_file(struct hmm_client *c, struct allocation *a)
{
	Hmmd__RangeOptions options;
	Hmmd__Alloc alloc = HMMD__ALLOC__INIT;
	Hmmd__Message m = WIRE_MESSAGE(ALLOC, alloc, &alloc);
	struct request req = { .take = take_file, .into = a };
	int r = uffd_attach(c);

	if (r)
		return r;
	a->range->uffd = c->uffd;
	c->uffd->users++;
	range_settings_pack(a->range->settings, &options);
	a->held = file_hold(c);
	alloc.size = a->range->size;
	alloc.options = &options;
	alloc.file = a->held ? a->held->inode : 0;
	r = wire_call(c, &req, &m, NULL, 0, clock_after(WIRE_ANSWER_US));
	file_unref(c, a->held);
	return r;
}

static int map_range(struct hmm_range *r)
{
	int err = map_file(r->fd, r->offset, r->size, &r->addr);

	if (err)
		return err;
	/*
	 * A child must never inherit it: no userfaultfd watches there, so its touch of a hole would put a page
	 * of zeros where the contents rest on a device. Before the registration, for a fork in between.
	 */
	if (madvise(r->addr, r->size, MADV_DONTFORK) < 0)
		return -errno;
	err = uffd_register(r->uffd, r->addr, r->size);
	return err ? err : map_allow(r->addr, r->size);
}

static int take_mapped(struct hmm_client *c, struct request *req, const Hmmd__Message *m, int *fds)
{
	struct allocation *a = req->into;

	(void)fds;
	if (m->kind_case != HMMD__MESSAGE__KIND_OK)
		return -EPROTO;
	range_link(&c->ranges, a->range, a->id);
	return 0;
}

/* With the lock held. */
static int announce(struct hmm_client *c, struct allocation *a)
{
	Hmmd__MapRange map = HMMD__MAP_RANGE__INIT;
	Hmmd__Message m = WIRE_MESSAGE(MAP_RANGE, map_range, &map);
	struct request req = { .take = take_mapped, .into = a };
	int r = range_table_reserve(&c->ranges, 1);

	if (r)
		return r;
	if (c->session.connection != a->connection)
		return -ENOTCONN;
	map.range = a->id;
	map.addr = (uintptr_t)a->range->addr;
	return wire_call(c, &req, &m, NULL, 0, clock_after(WIRE_ANSWER_US));
}

/* With the lock held: undoes what was done so far. */
static void give_up(struct hmm_client *c, struct allocation *a)
{
	Hmmd__Free body = HMMD__FREE__INIT;
	Hmmd__Message m = WIRE_MESSAGE(FREE, free, &body);
	struct hmm_range *r = a->range;

	if (a->id && c->session.connection == a->connection) {
		body.range = &a->id;
		body.n_range = 1;
		wire_cast(c, &m);
	}
	own_remove(r);
	file_clear(r);
	file_unref(c, r->file);
	uffd_unref(r->uffd);
	range_unref(r);
}

static int allocate(struct hmm_client *c, struct hmm_range *range)
{
	struct allocation a = { .range = range };
	int r;

	pthread_mutex_lock(&c->lock);
	r = ask_for_file(c, &a);
	if (!r) {
		client_leave(c);
		r = map_range(range);
		pthread_mutex_lock(&c->lock);
	}
	if (!r)
		r = announce(c, &a);
	if (r)
		give_up(c, &a);
	client_leave(c);
	return r;
}

int hmm_alloc(struct hmm_client *c, size_t size, const struct hmm_range_options *opts,
	      struct hmm_range **ret)
{
	struct range_settings *settings;
	struct hmm_range *range;
	int r = client_enter(c);

	if (r)
		return r;
	if (!ret)
		return client_refuse(c, -EINVAL, "ret is NULL");
	r = range_settings_new(c, opts, &settings);
	client_leave(c);
	if (r)
		return r;
	r = range_new(c, NULL, size, settings, &range);
	range_settings_unref(settings);
	if (r)
		return r;
	range->managed = true;
	r = allocate(c, range);
	if (!r)
		*ret = range;
	return r;
}
