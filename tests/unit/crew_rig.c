// SPDX-License-Identifier: GPL-2.0-or-later
/* The threads of a daemon over a rig (crew_rig.h). */
#include "daemon/mech/driver.h"
#include "tests/unit/crew_rig.h"

struct rig g;
struct daemon d;

static uv_loop_t loop;

void crew_rig_open(const struct rig_options *o)
{
	rig_open(&g, o);
	g.world->dry_run = true;	/* only what the tests ask for is moved */
	assert_int_equal(uv_loop_init(&loop), 0);
	d = (struct daemon){ .loop = &loop, .world = g.world, .mech = g.mech };
	list_init(&d.waiting_spaces);
	list_init(&d.watched_spaces);
	list_init(&d.graves);
	list_init(&d.unreadable);
	assert_int_equal(driver_new(&d.driver), 0);
	d.devices[FAR].ops = g.devices[FAR].ops;
	d.devices[FAR].device = g.devices[FAR].device;
	d.devices[FAR].slots = g.devices[FAR].slots;
	assert_int_equal(crew_new(&d.crew, &d), 0);
	assert_int_equal(schedule_start(&d), 0);
}

void crew_rig_end_threads(void)
{
	assert_true(crew_end(d.crew));
	d.crew = crew_free(d.crew);
	d.driver = driver_free(d.driver);
	schedule_stop(&d);
}

int crew_rig_close(void **state)
{
	(void)state;
	if (d.crew)
		crew_rig_end_threads();
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	pool_forget_victims(&g.world->tiers[FAST].pool);
	pool_forget_victims(&g.space->account->pools[FAST]);
	assert_int_equal(atomic_load(&g.range->holders), 0);
	rig_balanced(&g);
	rig_close(&g);
	return 0;
}

void crew_rig_submit(struct range *r, enum move_kind kind, unsigned int page, enum move_reason reason,
		     unsigned int tier)
{
	struct move m = { .range = r, .vpn = range_first_vpn(r) + page, .pages = 1, .kind = (uint8_t)kind,
			  .reason = (uint8_t)reason, .tier = (uint8_t)tier };

	assert_true(range_hold(r));
	assert_int_equal(crew_submit(d.crew, &m), 0);
}
