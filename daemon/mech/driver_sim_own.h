/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of the simulated driver, for driver_sim*.c alone. */
#ifndef HMMD_MECH_DRIVER_SIM_OWN_H
#define HMMD_MECH_DRIVER_SIM_OWN_H

#include <pthread.h>

#include "daemon/base/list.h"
#include "daemon/mech/driver_sim.h"

struct sim {
	struct driver driver;
	pthread_mutex_t lock; /* guards all below */
	struct list_node blocks, ranges, pins;
	uint64_t capacity, used[DRIVER_SIM_DEVICES];
	uint32_t state[DRIVER_SIM_DEVICES];
	uint32_t next_id, stay_us;
	unsigned long fail_request;
	int fail_error;
	unsigned int fail_times;
	uint64_t busy_addr, busy_end;
};

static inline struct sim *sim_of(struct driver *d)
{
	return (struct sim *)d;
}

/* driver_sim_control.c */
int sim_info(const struct sim *s, struct hmmdev_dev_info *i);
int sim_query(struct hmmdev_query *q);

#endif
