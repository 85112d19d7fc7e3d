// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Counting what lies in files (blocks.h). A count of a user goes through all its files, some in each errand, so that
 * a user with very many of them takes little of the loop at a time. These errands have threads of their own: a program
 * that keeps hmmd waiting in its memory would put the counts off as well. The descriptors are not duplicated: a file that
 * is let go of meanwhile is closed when the errand is back. Left out are files of clients whose pages are not
 * all in the books yet, since they are being recovered or wait for their client, or not any more, since it is gone.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "daemon/io/blocks.h"
#include "daemon/io/crew.h"
#include "daemon/io/daemon.h"
#include "daemon/io/errand.h"
#include "daemon/io/memfile.h"
#include "daemon/io/resume.h"

enum {
	EVERY_MS = 500,
	AGAIN_MS = 100,		/* when something was found that another count must find too */
	SLICE_FILES = 256,
	BLOCK = 512		/* of st_blocks */
};

struct blocks {
	struct daemon *daemon;
	uv_timer_t timer;
	struct list_node users;		/* of struct counted */
	bool stopped;
};

struct counted {			/* a user who has files, or had some a while ago */
	struct list_node node;
	struct blocks *blocks;
	struct account *account;
	struct list_node files;		/* those looked at in this count are the last ones */
	bool under_way;
	uint64_t number;		/* of the count */
	struct excess_count count;
	uint64_t bytes;			/* found so far */
	uint64_t most;			/* in one file, which says what tier they count in */
	uint8_t tier;
};

struct slice {
	struct errand errand;
	struct counted *user;
	unsigned int n;
	struct memfile *files[SLICE_FILES];
	uint64_t bytes[SLICE_FILES];
};

static void run(struct errand *e)
{
	struct slice *s = container_of(e, struct slice, errand);
	struct stat st;

	for (unsigned int i = 0; i < s->n; i++)
		s->bytes[i] = fstat(s->files[i]->fd, &st) < 0 ? 0 : (uint64_t)st.st_blocks * BLOCK;
}

static bool can_be_counted(struct daemon *d, const struct memfile *f)
{
	return f->fd >= 0 && !list_empty(&f->space->ranges) && !resume_is_unsettled(d, f->space);
}

static void take(struct slice *s, struct memfile *f)
{
	f->looked_at = true;
	s->files[s->n++] = f;
}

static struct memfile *next_file(struct counted *u)
{
	struct memfile *f;

	if (list_empty(&u->files))
		return NULL;
	f = container_of(u->files.next, struct memfile, counted);
	if (f->count == u->number)
		return NULL;
	f->count = u->number;
	list_remove(&f->counted);
	list_append(&u->files, &f->counted);
	return f;
}

static void fill(struct slice *s)
{
	struct memfile *f;

	while (s->n < SLICE_FILES && (f = next_file(s->user)))
		if (can_be_counted(s->user->blocks->daemon, f))
			take(s, f);
}

static unsigned long long mib(uint64_t bytes)
{
	return (unsigned long long)(bytes >> 20);
}

static void tell(struct daemon *d, const struct account *a, enum excess_news news)
{
	if (news == EXCESS_NEWS_BEGINS)
		daemon_event(d, EVENT_WARNING, "uid %u: %llu MiB lie in the files of its ranges that hmmd has not put there; they "
			     "count against its limit in tier %s, beyond which it gets no more managed memory", a->uid,
			     mib(a->excess.charged), d->world->tiers[a->excess.tier].config.name);
	else if (news == EXCESS_NEWS_OVER)
		daemon_event(d, EVENT_INFO, "uid %u: all that lies in the files of its ranges was put there by hmmd", a->uid);
}

static void on_timer(uv_timer_t *timer);

static void judge(struct counted *u)
{
	struct daemon *d = u->blocks->daemon;
	uint64_t before = u->account->excess.charged;

	u->under_way = false;
	tell(d, u->account, excess_end(u->account, d->world, &u->count, u->bytes, u->tier, daemon_now_us(d)));
	if (u->account->excess.charged < before)
		crew_room_changed(d->crew);
	if (excess_wants_count(u->account))
		uv_timer_start(&u->blocks->timer, on_timer, AGAIN_MS, EVERY_MS);
}

/* What was looked at belongs to nobody else now; what was let go of meanwhile is not counted. */
static void give_up(struct slice *s)
{
	for (unsigned int i = 0; i < s->n; i++) {
		struct memfile *f = s->files[i];

		f->looked_at = false;
		if (!f->users)
			memfile_end(f);
	}
	free(s);
}

static void add_up(const struct slice *s)
{
	struct counted *u = s->user;

	for (unsigned int i = 0; i < s->n; i++) {
		if (!s->files[i]->users)
			continue;
		u->bytes += s->bytes[i];
		if (s->bytes[i] < u->most)
			continue;
		u->most = s->bytes[i];
		u->tier = s->files[i]->home;
	}
}

static void go_on(struct counted *u);

static void done(struct errand *e)
{
	struct slice *s = container_of(e, struct slice, errand);
	struct counted *u = s->user;

	add_up(s);
	give_up(s);
	if (!u->blocks->stopped)
		go_on(u);
}

/* Without memory the count is begun anew in its time. */
static void go_on(struct counted *u)
{
	struct slice *s = calloc(1, sizeof(*s));

	if (!s) {
		u->under_way = false;
		return;
	}
	s->errand = (struct errand){ .run = run, .done = done };
	s->user = u;
	fill(s);
	if (!s->n) {
		free(s);
		judge(u);
	} else if (errand_submit(u->blocks->daemon->counts, u->account->uid, &s->errand)) {
		u->under_way = false;
		give_up(s);
	}
}

static void begin(struct counted *u)
{
	struct daemon *d = u->blocks->daemon;

	u->under_way = true;
	u->number++;
	u->bytes = u->most = 0;
	excess_begin(u->account, d->world, daemon_now_us(d), &u->count);
	go_on(u);
}

static void forget(struct counted *u)
{
	list_remove(&u->node);
	free(u);
}

static void on_timer(uv_timer_t *timer)
{
	struct blocks *b = timer->data;

	LIST_EACH_SAFE(node, next, &b->users) {
		struct counted *u = container_of(node, struct counted, node);

		if (u->under_way)
			continue;
		begin(u);
		if (list_empty(&u->files) && !u->under_way && !u->account->excess.told)
			forget(u);
	}
	if (list_empty(&b->users))
		uv_timer_stop(&b->timer);
}

static struct counted *user_of(struct blocks *b, struct account *a)
{
	struct counted *u;

	LIST_EACH(node, &b->users) {
		u = container_of(node, struct counted, node);
		if (u->account == a)
			return u;
	}
	u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	u->blocks = b;
	u->account = a;
	list_init(&u->files);
	list_append(&b->users, &u->node);
	return u;
}

int blocks_add(struct daemon *d, struct memfile *f)
{
	struct blocks *b = d->blocks;
	struct counted *u = user_of(b, f->space->account);

	if (!u)
		return -ENOMEM;
	f->count = u->number;
	list_append(&u->files, &f->counted);
	if (!uv_is_active((uv_handle_t *)&b->timer))
		uv_timer_start(&b->timer, on_timer, EVERY_MS, EVERY_MS);
	return 0;
}

bool blocks_remove(struct memfile *f)
{
	list_remove(&f->counted);
	return !f->looked_at;
}

int blocks_start(struct daemon *d)
{
	struct blocks *b = calloc(1, sizeof(*b));
	int rc;

	if (!b)
		return -ENOMEM;
	b->daemon = d;
	list_init(&b->users);
	rc = uv_timer_init(d->loop, &b->timer);
	if (rc < 0) {
		free(b);
		return rc;
	}
	b->timer.data = b;
	d->blocks = b;
	return 0;
}

void blocks_stop(struct daemon *d)
{
	if (!d->blocks)
		return;
	d->blocks->stopped = true;
	uv_close((uv_handle_t *)&d->blocks->timer, NULL);
}

struct blocks *blocks_free(struct blocks *b)
{
	if (!b)
		return NULL;
	LIST_EACH_SAFE(node, next, &b->users)
		forget(container_of(node, struct counted, node));
	free(b);
	return NULL;
}
