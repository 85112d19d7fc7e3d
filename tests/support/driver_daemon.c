// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon's door to the kernel driver leads to the simulated one: linked beside its own main()
 * with
 * --wrap=driver_new, so that nothing in the daemon knows of tests.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "daemon/mech/driver_sim.h"
#include "tests/support/driver_daemon.h"

int __wrap_driver_new(struct driver **ret);

static const struct driver_ops *simulated;
static struct driver_switches *switches;

static void pause_us(uint32_t us)
{
	struct timespec t = { .tv_nsec = (long)us * 1000 };

	nanosleep(&t, NULL);
}

static void count_pins(unsigned long request)
{
	if (request == HMMDEV_PIN)
		atomic_fetch_add(&switches->pins, 1);
	else if (request == HMMDEV_UNPIN)
		atomic_fetch_sub(&switches->pins, 1);
}

static void note_limit(const struct hmmdev_limit *limit)
{
	atomic_store(&switches->pin_limit, limit->pin_bytes);
	atomic_store(&switches->dev_limit, limit->dev_bytes);
}

static int watched_call(struct driver *d, int fd, unsigned long request, void *arg)
{
	int r;

	if (request == HMMDEV_UNPIN && atomic_load(&switches->unpin_us))
		pause_us(atomic_load(&switches->unpin_us));
	r = simulated->call(d, fd, request, arg);
	if (!r)
		count_pins(request);
	if (!r && request == HMMDEV_QUERY && atomic_load(&switches->api))
		((struct hmmdev_query *)arg)->api = atomic_load(&switches->api);
	if (!r && request == HMMDEV_LIMIT)
		note_limit(arg);
	if (atomic_load(&switches->held) == request)
		atomic_fetch_add(&switches->waiting, 1);
	while (atomic_load(&switches->held) == request)
		pause_us(1000);
	return r;
}

static bool fails(unsigned long request)
{
	uint32_t good = atomic_load(&switches->good);

	if (atomic_load(&switches->request) != request)
		return false;
	while (good && !atomic_compare_exchange_weak(&switches->good, &good, good - 1))
		;
	return !good;
}

static int failing_call(struct driver *d, int fd, unsigned long request, void *arg)
{
	if (!fails(request))
		return watched_call(d, fd, request, arg);
	atomic_fetch_add(&switches->failed, 1);
	return -atomic_load(&switches->error);
}

static void map_switches(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *at =
		fd < 0 ? MAP_FAILED
		       : mmap(NULL, sizeof(*switches), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		_exit(124);
	close(fd);
	switches = at;
}

/* One after another: the loop asks for the door at the start, the doctor when it is asked. */
int __wrap_driver_new(struct driver **ret)
{
	static struct driver_ops ops;
	const char *path = getenv(DRIVER_DAEMON_ENVIRONMENT);
	int r = driver_sim_new(ret, DRIVER_DAEMON_BYTES);

	if (r || !path)
		return r;
	if (!switches) {
		map_switches(path);
		simulated = (*ret)->ops;
		ops = *simulated;
		ops.call = failing_call;
	}
	(*ret)->ops = &ops;
	return 0;
}
