// SPDX-License-Identifier: GPL-2.0-or-later
/* What is told about the simulated driver, and what a test says to it (driver_sim.h). */
#include <errno.h>

#include "daemon/mech/driver_sim_own.h"
#include "proto/ledger.h"

int sim_info(const struct sim *s, struct hmmdev_dev_info *i)
{
	if (i->dev >= DRIVER_SIM_DEVICES)
		return -ENODEV;
	i->type = HMMDEV_TYPE_PRIVATE;
	i->state = s->state[i->dev];
	i->nid = -1;
	i->bytes = s->capacity;
	i->used = s->used[i->dev];
	i->free = i->thp_free = i->bytes - i->used;
	return 0;
}

int sim_query(struct hmmdev_query *q)
{
	q->api = HMMDEV_API_VERSION;
	q->ndev = DRIVER_SIM_DEVICES;
	q->features = HMMDEV_FEATURE_PRIVATE | HMMDEV_FEATURE_THP | HMMDEV_FEATURE_EXCLUSIVE |
		      HMMDEV_FEATURE_PIN;
	q->huge_size = LEDGER_PAGE_SIZE;
	return 0;
}

void driver_sim_fail(struct driver *d, unsigned long request, int error, unsigned int times)
{
	struct sim *s = sim_of(d);

	pthread_mutex_lock(&s->lock);
	s->fail_request = request;
	s->fail_error = error;
	s->fail_times = times;
	pthread_mutex_unlock(&s->lock);
}

void driver_sim_state(struct driver *d, unsigned int dev, enum hmmdev_state state)
{
	struct sim *s = sim_of(d);

	pthread_mutex_lock(&s->lock);
	s->state[dev] = state;
	pthread_mutex_unlock(&s->lock);
}

void driver_sim_busy(struct driver *d, uint64_t addr, uint64_t len)
{
	struct sim *s = sim_of(d);

	pthread_mutex_lock(&s->lock);
	s->busy_addr = addr;
	s->busy_end = addr + len;
	pthread_mutex_unlock(&s->lock);
}

static unsigned int length_of(struct driver *d, struct list_node *list)
{
	unsigned int n = 0;

	pthread_mutex_lock(&sim_of(d)->lock);
	LIST_EACH(node, list)
		n++;
	pthread_mutex_unlock(&sim_of(d)->lock);
	return n;
}

uint64_t driver_sim_bytes(struct driver *d, unsigned int dev)
{
	struct hmmdev_dev_info i;

	return driver_info(d, dev, &i) ? 0 : i.used;
}

unsigned int driver_sim_ranges(struct driver *d)
{
	return length_of(d, &sim_of(d)->ranges);
}

unsigned int driver_sim_pins(struct driver *d)
{
	return length_of(d, &sim_of(d)->pins);
}

uint32_t driver_sim_stay_us(struct driver *d)
{
	return sim_of(d)->stay_us;
}
