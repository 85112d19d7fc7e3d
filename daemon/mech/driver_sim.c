// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The simulated driver (driver_sim.h): address spaces as lists of huge pages that somebody has
 * asked about, each with the place of its base pages. One lock: it is for tests, which look for
 * order and not for speed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/mech/driver_sim_own.h"
#include "proto/ledger.h"

enum {
	BASE_SHIFT = 12,
	BASE_PAGES = 1 << (LEDGER_PAGE_SHIFT - BASE_SHIFT),
	IN_MEMORY = 0xff,
	NOWHERE = 0xfe /* else the number of a device */
};

struct block {
	struct list_node node;
	uint64_t space, vpn;
	uint8_t where[BASE_PAGES];
};

struct held { /* a range or a pin */
	struct list_node node;
	uint64_t space, addr, end;
	uint32_t id;
};

/*
 * The two ends of a socket are told apart by their inodes, and one that was passed keeps its own.
 */
static uint64_t space_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : st.st_ino;
}

/* NULL: no memory, as a kernel may say too. */
static struct block *block_at(struct sim *s, uint64_t space, uint64_t vpn)
{
	struct block *b;

	LIST_EACH(node, &s->blocks) {
		b = container_of(node, struct block, node);
		if (b->space == space && b->vpn == vpn)
			return b;
	}
	b = malloc(sizeof(*b));
	if (!b)
		return NULL;
	b->space = space;
	b->vpn = vpn;
	memset(b->where, IN_MEMORY, sizeof(b->where));
	list_append(&s->blocks, &b->node);
	return b;
}

static uint8_t *page_at(struct sim *s, uint64_t space, uint64_t addr)
{
	struct block *b = block_at(s, space, addr >> LEDGER_PAGE_SHIFT);

	return b ? &b->where[addr >> BASE_SHIFT & (BASE_PAGES - 1)] : NULL;
}

static void put_page(struct sim *s, uint8_t *page, uint8_t where)
{
	if (*page < DRIVER_SIM_DEVICES)
		s->used[*page] -= 1ULL << BASE_SHIFT;
	if (where < DRIVER_SIM_DEVICES)
		s->used[where] += 1ULL << BASE_SHIFT;
	*page = where;
}

static bool is_busy(const struct sim *s, uint64_t addr)
{
	return addr >= s->busy_addr && addr < s->busy_end;
}

static bool left_there(const struct hmmdev_migrate *m, uint8_t where)
{
	return m->flags & HMMDEV_EVICT_ONE && where < DRIVER_SIM_DEVICES && where != m->dst;
}

static int migrate_page(struct sim *s, struct hmmdev_migrate *m, uint64_t addr, uint8_t *page,
			uint8_t to)
{
	if (to < DRIVER_SIM_DEVICES && *page < DRIVER_SIM_DEVICES && *page != to) {
		m->skip_elsewhere++;
		return -EAGAIN;
	}
	if (left_there(m, *page)) {
		m->already++;
	} else if (*page == NOWHERE) {
		m->skip_empty++;
	} else if (*page == to) {
		m->already++;
	} else if (is_busy(s, addr)) {
		m->skip_busy++;
		return -EAGAIN;
	} else if (to < DRIVER_SIM_DEVICES && s->used[to] >= s->capacity) {
		m->skip_nomem++;
		return -ENOSPC;
	} else {
		put_page(s, page, to);
		m->moved++;
	}
	return 0;
}

static int move_to(struct sim *s, uint64_t space, struct hmmdev_migrate *m, uint8_t to)
{
	uint8_t *page;
	int r = 0, rc;

	if (to < DRIVER_SIM_DEVICES && s->state[to] != HMMDEV_STATE_ONLINE)
		return -ENODEV;
	for (m->next = m->addr; m->next < m->addr + m->len; m->next += 1ULL << BASE_SHIFT) {
		page = page_at(s, space, m->next);
		if (!page)
			return -ENOMEM;
		rc = migrate_page(s, m, m->next, page, to);
		if (!r)
			r = rc;
	}
	return !r && !m->moved && !m->already ? -ENOENT : r;
}

static int migrate(struct sim *s, uint64_t space, struct hmmdev_migrate *m)
{
	if (m->dst_kind != HMMDEV_DST_DEV)
		return -EOPNOTSUPP;
	if (m->dst >= DRIVER_SIM_DEVICES)
		return -ENODEV;
	s->stay_us = m->timeslice_us;
	return move_to(s, space, m, (uint8_t)m->dst);
}

static bool same_run(const struct hmmdev_snap_ent *e, uint8_t where, uint16_t unit)
{
	return e->where == where && e->unit == unit;
}

/* A private device does not see the pages of another one. */
static uint8_t seen_as(uint8_t where, uint32_t dev)
{
	return where == IN_MEMORY ? HMMDEV_WHERE_SYS
	       : where == dev     ? HMMDEV_WHERE_LOCAL
				  : HMMDEV_WHERE_HOLE;
}

static int snapshot(struct sim *s, uint64_t space, struct hmmdev_snap *snap)
{
	struct hmmdev_snap_ent *vec = (void *)(uintptr_t)snap->vec, *last = NULL;

	snap->out_n = 0;
	for (snap->next = snap->addr; snap->next < snap->addr + snap->len;
	     snap->next += 1ULL << BASE_SHIFT) {
		uint8_t *page = page_at(s, space, snap->next), where;
		uint16_t unit;

		if (!page)
			return -ENOMEM;
		where = seen_as(*page, snap->dev);
		unit = where == HMMDEV_WHERE_LOCAL ? *page : 0;
		if (!last || !same_run(last, where, unit)) {
			if (snap->out_n == snap->vec_n)
				return 0;
			last = &vec[snap->out_n++];
			*last = (struct hmmdev_snap_ent) { .addr = snap->next,
							   .where = where,
							   .unit = unit };
		}
		last->npages++;
	}
	return 0;
}

static int hold(struct sim *s, struct list_node *list, uint64_t space, uint64_t addr, uint64_t len,
		uint32_t *ret_id)
{
	struct held *h = malloc(sizeof(*h));

	if (!h)
		return -ENOMEM;
	*h = (struct held) { .space = space, .addr = addr, .end = addr + len, .id = ++s->next_id };
	list_append(list, &h->node);
	*ret_id = h->id;
	return 0;
}

static int let_go(struct list_node *list, uint64_t space, uint32_t id)
{
	LIST_EACH(node, list) {
		struct held *h = container_of(node, struct held, node);

		if (h->space != space || h->id != id)
			continue;
		list_remove(&h->node);
		free(h);
		return 0;
	}
	return -ENOENT;
}

static int range_add(struct sim *s, uint64_t space, struct hmmdev_range *range)
{
	LIST_EACH(node, &s->ranges) {
		struct held *h = container_of(node, struct held, node);

		if (h->space != space || range->addr >= h->end || h->addr >= range->addr + range->len)
			continue;
		range->id = h->id;
		return -EEXIST;
	}
	return hold(s, &s->ranges, space, range->addr, range->len, &range->id);
}

static int pin(struct sim *s, uint64_t space, struct hmmdev_pin *p)
{
	struct hmmdev_migrate back = { .addr = p->addr, .len = p->len };
	int r = move_to(s, space, &back, IN_MEMORY);

	if (r && r != -ENOENT)
		return r;
	p->npages = p->len >> BASE_SHIFT;
	return hold(s, &s->pins, space, p->addr, p->len, &p->id);
}

static int exclusive(struct hmmdev_excl *e)
{
	e->pages = e->len >> BASE_SHIFT;
	e->next = e->addr + e->len;
	return 0;
}

static int answer(struct sim *s, uint64_t space, unsigned long request, void *arg)
{
	switch (request) {
	case HMMDEV_QUERY:
		return sim_query(arg);
	case HMMDEV_DEV_INFO:
		return sim_info(s, arg);
	case HMMDEV_RANGE_ADD:
		return range_add(s, space, arg);
	case HMMDEV_RANGE_DEL:
		return let_go(&s->ranges, space, ((struct hmmdev_range *)arg)->id);
	case HMMDEV_MIGRATE:
		return migrate(s, space, arg);
	case HMMDEV_EVICT:
		return move_to(s, space, arg, IN_MEMORY);
	case HMMDEV_SNAPSHOT:
		return snapshot(s, space, arg);
	case HMMDEV_PIN:
		return pin(s, space, arg);
	case HMMDEV_UNPIN:
		return let_go(&s->pins, space, ((struct hmmdev_pin *)arg)->id);
	case HMMDEV_LIMIT:
		return 0; /* nobody lacks memory here */
	case HMMDEV_EXCL_ACQUIRE:
	case HMMDEV_EXCL_RELEASE:
		return exclusive(arg);
	}
	return -ENOTTY;
}

static int sim_call(struct driver *d, int fd, unsigned long request, void *arg)
{
	struct sim *s = sim_of(d);
	int r;

	pthread_mutex_lock(&s->lock);
	if (s->fail_times && s->fail_request == request) {
		s->fail_times--;
		r = s->fail_error;
	} else {
		r = answer(s, space_of(fd), request, arg);
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}

static int sim_open(struct driver *d, const char *path, int *ret_fd)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)d;
	(void)path;
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int sim_check(struct driver *d, int fd)
{
	struct stat st;

	(void)d;
	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISSOCK(st.st_mode) ? 0 : DRIVER_E_OTHER;
}

static void happens(struct sim *s, uint64_t space, const struct hmmdev_event *e)
{
	bool back = e->type == HMMDEV_EVENT_CPU_FAULT || e->type == HMMDEV_EVENT_EVICTED;
	bool gone = e->type == HMMDEV_EVENT_INVALIDATE && e->arg == 0;

	for (uint64_t addr = e->addr; (back || gone) && addr < e->addr + e->size;
	     addr += 1ULL << BASE_SHIFT) {
		uint8_t *page = page_at(s, space, addr);

		if (page)
			put_page(s, page, gone ? NOWHERE : IN_MEMORY);
	}
	if (e->type == HMMDEV_EVENT_DEV_STATE && e->dev < DRIVER_SIM_DEVICES)
		s->state[e->dev] = e->arg;
}

void driver_sim_happens(struct driver *d, int fd, const struct hmmdev_event *e)
{
	struct sim *s = sim_of(d);

	pthread_mutex_lock(&s->lock);
	happens(s, space_of(fd), e);
	pthread_mutex_unlock(&s->lock);
}

static int sim_read(struct driver *d, int fd, struct hmmdev_event *ret, size_t cap, size_t *ret_n)
{
	ssize_t n = read(fd, ret, cap * sizeof(*ret));

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return -errno;
	if (n == 0)
		return -ESRCH;
	*ret_n = n < 0 ? 0 : (size_t)n / sizeof(*ret);
	for (size_t i = 0; i < *ret_n; i++)
		driver_sim_happens(d, fd, &ret[i]);
	return 0;
}

static void drop_all(struct list_node *list, size_t offset)
{
	LIST_EACH_SAFE(node, next, list) {
		list_remove(node);
		free((char *)node - offset);
	}
}

static void sim_done(struct driver *d)
{
	struct sim *s = sim_of(d);

	drop_all(&s->blocks, offsetof(struct block, node));
	drop_all(&s->ranges, offsetof(struct held, node));
	drop_all(&s->pins, offsetof(struct held, node));
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static const struct driver_ops sim_ops = {
	"sim", sim_open, sim_check, sim_call, sim_read, sim_done
};

int driver_sim_new(struct driver **ret, uint64_t device_bytes)
{
	struct sim *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	driver_init(&s->driver, &sim_ops);
	pthread_mutex_init(&s->lock, NULL);
	list_init(&s->blocks);
	list_init(&s->ranges);
	list_init(&s->pins);
	s->capacity = device_bytes;
	*ret = &s->driver;
	return 0;
}
