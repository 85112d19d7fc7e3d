// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The requests (driver.h), each filled in one place; behind them the real module. Counts of pages
 * become bytes here, and what a call did before it failed is told beside the error.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/mech/driver.h"
#include "daemon/mech/read_now.h"

enum { BASE_PAGE = 4096 };

static int real_open(struct driver *d, const char *path, int *ret_fd)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	(void)d;
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

/*
 * A descriptor proves its address space by being of the driver's node: nothing else answers there.
 */
static int real_check(struct driver *d, int fd)
{
	struct stat own, other;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fstat(d->fd, &own) < 0 || fstat(fd, &other) < 0)
		return -errno;
	return S_ISCHR(own.st_mode) && S_ISCHR(other.st_mode) && own.st_rdev == other.st_rdev &&
			       (flags & O_NONBLOCK) && (flags & O_ACCMODE) == O_RDWR
		       ? 0
		       : DRIVER_E_OTHER;
}

static int real_call(struct driver *d, int fd, unsigned long request, void *arg)
{
	(void)d;
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

static int real_read(struct driver *d, int fd, struct hmmdev_event *ret, size_t cap, size_t *ret_n)
{
	ssize_t n = read_now(fd, ret, cap * sizeof(*ret));

	(void)d;
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return -errno;
	if (n == 0)
		return -ESRCH;
	*ret_n = n < 0 ? 0 : (size_t)n / sizeof(*ret);
	return 0;
}

static void real_done(struct driver *d)
{
	free(d);
}

static const struct driver_ops real = { "hmmdev",  real_open, real_check,
					real_call, real_read, real_done };

void driver_init(struct driver *d, const struct driver_ops *ops)
{
	d->ops = ops;
	d->fd = -1;
	d->api = 0;
	d->features = 0;
	memset(d->tier_of_node, DRIVER_NO_TIER, sizeof(d->tier_of_node));
	memset(d->tier_of_device, DRIVER_NO_TIER, sizeof(d->tier_of_device));
	memset(d->device_of_tier, DRIVER_NO_DEVICE, sizeof(d->device_of_tier));
}

int driver_new(struct driver **ret)
{
	struct driver *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	driver_init(d, &real);
	*ret = d;
	return 0;
}

struct driver *driver_free(struct driver *d)
{
	if (!d)
		return NULL;
	if (d->fd >= 0)
		close(d->fd);
	d->ops->done(d);
	return NULL;
}

static int query(struct driver *d, int fd, struct hmmdev_query *ret)
{
	*ret = (struct hmmdev_query) { .size = sizeof(*ret) };
	return d->ops->call(d, fd, HMMDEV_QUERY, ret);
}

static int open_first(struct driver *d, int fd)
{
	struct hmmdev_query q;
	int r = query(d, fd, &q);

	if (r)
		return r == -ENOTTY ? DRIVER_E_OTHER : r;
	d->api = q.api;
	if (q.api != HMMDEV_API_VERSION)
		return DRIVER_E_VERSION;
	d->fd = fd;
	d->features = q.features;
	return 0;
}

int driver_open(struct driver *d, const char *path)
{
	int fd, r = d->ops->open(d, path, &fd);

	if (r)
		return r;
	r = d->fd < 0 ? open_first(d, fd) : d->ops->check(d, fd);
	if (fd != d->fd)
		close(fd);
	return r;
}

int driver_check(struct driver *d, int fd)
{
	struct hmmdev_query q;
	int r = d->fd < 0 ? -ENODEV : d->ops->check(d, fd);

	return r ? r : query(d, fd, &q);
}

int driver_info(struct driver *d, unsigned int dev, struct hmmdev_dev_info *ret)
{
	*ret = (struct hmmdev_dev_info) { .size = sizeof(*ret), .dev = dev };
	return d->ops->call(d, d->fd, HMMDEV_DEV_INFO, ret);
}

int driver_limit(struct driver *d, uint32_t uid, uint64_t dev_bytes, uint64_t pin_bytes)
{
	struct hmmdev_limit limit = {
		.size = sizeof(limit),
		.scope = HMMDEV_SCOPE_NAMED,
		.uid = uid,
		.dev_bytes = dev_bytes == UINT64_MAX ? HMMDEV_LIMIT_DEFAULT : dev_bytes,
		.pin_bytes = pin_bytes == UINT64_MAX ? HMMDEV_LIMIT_DEFAULT : pin_bytes,
		.ranges = HMMDEV_LIMIT_SAME,
	};

	return d->ops->call(d, d->fd, HMMDEV_LIMIT, &limit);
}

void driver_map_nodes(struct driver *d, uint64_t nodes, unsigned int tier)
{
	for (unsigned int i = 0; i < DRIVER_NODES; i++)
		if (nodes >> i & 1)
			d->tier_of_node[i] = (uint8_t)tier;
}

void driver_map_device(struct driver *d, unsigned int dev, unsigned int tier)
{
	d->tier_of_device[dev] = (uint8_t)tier;
	d->device_of_tier[tier] = (uint8_t)dev;
}

int driver_range_add(struct driver *d, int fd, uint64_t addr, uint64_t len, uint64_t cookie,
		     uint32_t *ret_id)
{
	struct hmmdev_range range = { .size = sizeof(range),
				      .flags = HMMDEV_RANGE_FAULT_EVENTS,
				      .addr = addr,
				      .len = len,
				      .cookie = cookie };
	int r = -EEXIST;

	/*
	 * Ranges of a space do not overlap: what is in the way is an earlier daemon's, or the
	 * program's own, which gave its descriptor away. One that adds some meanwhile ends at the
	 * number that a descriptor may have.
	 */
	for (unsigned int i = 0; r == -EEXIST && i <= HMMDEV_MAX_RANGES; i++) {
		r = d->ops->call(d, fd, HMMDEV_RANGE_ADD, &range);
		if (r == -EEXIST && driver_range_del(d, fd, range.id))
			break;
	}
	if (!r)
		*ret_id = range.id;
	return r;
}

int driver_range_del(struct driver *d, int fd, uint32_t id)
{
	struct hmmdev_range range = { .size = sizeof(range), .id = id };

	return d->ops->call(d, fd, HMMDEV_RANGE_DEL, &range);
}

/* A page that was never touched has nothing to move: it is as good as there. */
static void count(const struct hmmdev_migrate *m, struct driver_moved *ret)
{
	ret->moved = m->moved * BASE_PAGE;
	ret->already = (m->already + m->skip_empty) * BASE_PAGE;
	ret->busy = (m->skip_busy + m->skip_pinned + m->skip_split) * BASE_PAGE;
}

int driver_to_device(struct driver *d, int fd, uint64_t addr, uint64_t len, unsigned int dev,
		     uint64_t stay_us, bool whole, struct driver_moved *ret)
{
	struct hmmdev_migrate m = { .size = sizeof(m),
				    .addr = addr,
				    .len = len,
				    .dst = dev,
				    .flags = whole ? HMMDEV_MIGRATE_NO_SPLIT : 0,
				    .dst_kind = HMMDEV_DST_DEV,
				    .timeslice_us =
					    stay_us < UINT32_MAX ? (uint32_t)stay_us : UINT32_MAX };
	int r = d->ops->call(d, fd, HMMDEV_MIGRATE, &m);

	count(&m, ret);
	return r;
}

int driver_to_memory(struct driver *d, int fd, uint64_t addr, uint64_t len, unsigned int dev,
		     struct driver_moved *ret)
{
	struct hmmdev_migrate m = { .size = sizeof(m),
				    .addr = addr,
				    .len = len,
				    .dst_kind = HMMDEV_DST_NODE,
				    .dst = UINT32_MAX };
	int r;

	if (dev != DRIVER_NO_DEVICE) {
		m.flags = HMMDEV_EVICT_ONE;
		m.dst_kind = HMMDEV_DST_DEV;
		m.dst = dev;
	}
	r = d->ops->call(d, fd, HMMDEV_EVICT, &m);
	count(&m, ret);
	return r;
}

int driver_pin(struct driver *d, int fd, uint64_t addr, uint64_t len, uint32_t *ret_id)
{
	struct hmmdev_pin pin = { .size = sizeof(pin),
				  .addr = addr,
				  .len = len,
				  .flags = HMMDEV_PIN_WRITE | HMMDEV_PIN_LONGTERM };
	int r = d->ops->call(d, fd, HMMDEV_PIN, &pin);

	if (!r)
		*ret_id = pin.id;
	return r;
}

int driver_unpin(struct driver *d, int fd, uint32_t id)
{
	struct hmmdev_pin pin = { .size = sizeof(pin), .id = id };

	return d->ops->call(d, fd, HMMDEV_UNPIN, &pin);
}

int driver_exclusive(struct driver *d, int fd, uint64_t addr, uint64_t len, unsigned int dev,
		     bool acquire, uint64_t *ret_bytes)
{
	struct hmmdev_excl excl = { .size = sizeof(excl), .addr = addr, .len = len, .dev = dev };
	int r = d->ops->call(d, fd, acquire ? HMMDEV_EXCL_ACQUIRE : HMMDEV_EXCL_RELEASE, &excl);

	*ret_bytes = excl.pages * BASE_PAGE;
	return r;
}

int driver_read(struct driver *d, int fd, struct hmmdev_event *ret, size_t cap, size_t *ret_n)
{
	return d->ops->read(d, fd, ret, cap, ret_n);
}

void driver_describe(uint64_t features, char *ret_text, size_t size)
{
	static const struct {
		uint64_t bit;
		const char *text;
	} words[] = {
		{ HMMDEV_FEATURE_PRIVATE, "private memory" },
		{ HMMDEV_FEATURE_COHERENT, "coherent memory" },
		{ HMMDEV_FEATURE_THP, "whole huge pages" },
		{ HMMDEV_FEATURE_EXCLUSIVE, "exclusive access" },
		{ HMMDEV_FEATURE_PFNS, "frames" },
		{ HMMDEV_FEATURE_NODE, "nodes" },
		{ HMMDEV_FEATURE_PIN, "pins" },
		{ HMMDEV_FEATURE_UFFD_UNLOCKED, "userfaultfd" },
		{ HMMDEV_FEATURE_TEST, "tests" },
	};
	size_t n = 0;

	snprintf(ret_text, size, "nothing");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && n < size; i++)
		if (features & words[i].bit)
			n += (size_t)snprintf(ret_text + n, size - n, "%s%s", n ? ", " : "",
					      words[i].text);
}
