// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The threads of several users: what one user's program keeps of them is that user's alone, however long. The
 * program is a gate in mech_sim at which threads wait, as they would for a lock that it holds.
 */
#include <linux/userfaultfd.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/base/slots.h"
#include "daemon/io/crew_threads.h"
#include "daemon/io/drain.h"
#include "daemon/io/schedule_own.h"
#include "tests/unit/crew_rig.h"

enum { PAGES = 40, MANY = CREW_SQUADS + 6, SOMEBODY = 5000 };
#define GATE_US 40000000ULL	/* then it opens by itself: a test that hangs fails sooner */

static struct {
	_Atomic unsigned int wanted;	/* so many threads are yet to be kept */
	_Atomic unsigned int kept;
	_Atomic bool open;
} gate;

static void at_gate(void *userdata)
{
	uint64_t end = clock_us() + GATE_US;
	unsigned int n = atomic_load(&gate.wanted);

	(void)userdata;
	while (n && !atomic_compare_exchange_weak(&gate.wanted, &n, n - 1))
		;
	if (!n)
		return;
	atomic_fetch_add(&gate.kept, 1);
	while (!atomic_load(&gate.open) && clock_us() < end)
		pause_us(1000);
	atomic_fetch_sub(&gate.kept, 1);
}

/* The next so many threads that come to this operation wait there. None is in one. */
static void gate_close(enum sim_op op, unsigned int threads)
{
	atomic_store(&gate.open, false);
	atomic_store(&gate.wanted, threads);
	sim_hook(g.mech, op, at_gate, NULL);
}

static void gate_open(void)
{
	atomic_store(&gate.wanted, 0);
	atomic_store(&gate.open, true);
	turn_until(!atomic_load(&gate.kept));
}

static int set_up(void **state)
{
	(void)state;
	crew_rig_open(&(struct rig_options){ .pages = PAGES, .fast = 128, .far = 128 });
	return 0;
}

/* Another user than the rig's. */
struct user {
	struct space *space;
	struct range *range;
	void *mirror, *owners;
	int file;
};

static void user_open(struct user *u, uint32_t uid, unsigned int pages)
{
	struct range_request q = { .size = pages * PAGE, .name = "user" };
	static uint64_t client = 1;

	u->mirror = calloc(RIG_TABLES, LEDGER_TABLE_SIZE);
	u->owners = calloc(RIG_TABLES, LEDGER_TABLE_SIZE);
	assert_int_equal(space_new(&u->space, g.world, ++client, getpid(), uid, u->mirror, u->owners, RIG_TABLES,
				   RIG_TABLES, false), 0);
	assert_int_equal(space_alloc(u->space, &q, &u->range), 0);
	assert_int_equal(g.mech->ops->create(g.mech, "user", q.size, &u->file), 0);
	u->range->backing = u->file;
	assert_int_equal(space_map(u->space, u->range, g.first << LEDGER_PAGE_SHIFT), 0);
}

static void release(void *userdata, uint64_t word)
{
	(void)userdata;
	if (page_word_state(word) == PAGE_DEVICE)
		slots_give(g.devices[FAR].slots, page_word_slot(word));
}

static void user_close(struct user *u)
{
	crew_leave(u->space);
	space_range_leave(u->space, u->range);
	assert_int_equal(atomic_load(&u->range->holders), 0);
	space_range_free(u->range, release, NULL);
	space_reclaim(u->space);
	space_free(u->space);
	close(u->file);
	free(u->mirror);
	free(u->owners);
}

static uint64_t bytes_on(const struct range *r, unsigned int tier)
{
	return atomic_load(&r->tier_bytes[tier]);
}

static void bring_in(struct range *r, unsigned int pages)
{
	for (unsigned int i = 0; i < pages; i++)
		crew_rig_submit(r, MOVE_FILL, i, REASON_OWN, FAST);
	turn_until(crew_busy(d.crew) == 0);
	assert_int_equal(bytes_on(r, FAST), pages * PAGE);
}

static void put_away(struct range *r, unsigned int pages)
{
	bring_in(r, pages);
	for (unsigned int i = 0; i < pages; i++)
		crew_rig_submit(r, MOVE_EVICT, i, REASON_OWN, FAR);
	turn_until(crew_busy(d.crew) == 0);
	assert_int_equal(bytes_on(r, FAR), pages * PAGE);
}

static bool held_up(const struct space *s)
{
	crew_watch(d.crew, clock_us());
	return s->held_up;
}

/* Of the range, in the queue of the whole tier, made anew. */
static unsigned int victims(const struct range *r)
{
	struct victim v;
	unsigned int n = 0;

	schedule_refill(&d, clock_us(), true, true);
	while (ring_pop(g.world->tiers[FAST].pool.victims, &v)) {
		n += v.range == r;
		range_drop(v.range);
	}
	return n;
}

static void who_keeps_a_thread_for_a_second_is_held_up(void **state)
{
	struct user u;

	(void)state;
	user_open(&u, SOMEBODY, 2);
	bring_in(g.range, 2);
	bring_in(u.range, 2);
	gate_close(SIM_FREEZE, 1);
	crew_rig_submit(g.range, MOVE_EVICT, 0, REASON_OWN, FAR);
	turn_until(atomic_load(&gate.kept) == 1);
	crew_rig_submit(u.range, MOVE_EVICT, 0, REASON_OWN, FAR);
	turn_until(bytes_on(u.range, FAR) == PAGE);
	turn_until(held_up(g.space));
	assert_false(held_up(u.space));
	assert_true(crew_any_held_up(d.crew));
	assert_int_equal(victims(g.range), 0);
	assert_int_equal(victims(u.range), 1);
	assert_int_equal(atomic_load(&gate.kept), 1);
	gate_open();
	turn_until(!held_up(g.space));
	assert_false(crew_any_held_up(d.crew));
	turn_until(crew_busy(d.crew) == 0);
	assert_int_equal(victims(g.range), 1);
	user_close(&u);
}

/* The last plan is carried out but for what hangs, and another one is made. The tick does not run. */
static void no_plan_waits_for_who_is_held_up(void **state)
{
	struct user u;

	(void)state;
	user_open(&u, SOMEBODY, 2);
	put_away(g.range, 2);
	put_away(u.range, 2);
	gate_close(SIM_FILL, 2);
	g.world->dry_run = false;
	assert_int_equal(world_drain(g.world, FAR), 0);
	space_held_up(u.space, true);	/* not in the first plan */
	schedule_plan(d.schedule, clock_us());
	space_held_up(u.space, false);
	assert_soon(atomic_load(&gate.kept) == 2);
	assert_soon((held_up(g.space), crew_collect(d.crew), schedule_plan(d.schedule, clock_us()),
		     !bytes_on(u.range, FAR)));
	assert_int_equal(atomic_load(&gate.kept), 2);
	g.world->dry_run = true;
	gate_open();
	turn_until((held_up(g.space), g.world->tiers[FAR].state == TIER_DRAINED));
	turn_until(!crew_busy(d.crew));
	user_close(&u);
}

/* More of its pages than a drain has under way at a time, and they come first. */
static void no_drain_waits_for_who_is_held_up(void **state)
{
	struct user u;

	(void)state;
	user_open(&u, SOMEBODY, 4);
	put_away(g.range, PAGES);
	put_away(u.range, 4);
	gate_close(SIM_FILL, 2);
	assert_int_equal(world_drain(g.world, FAR), 0);
	drain_each_second(&d);
	assert_true(g.world->tiers[FAR].pass > 0);
	turn_until(atomic_load(&gate.kept) == 2);
	assert_int_equal(bytes_on(u.range, FAR), 4 * PAGE);
	turn_until((held_up(g.space), !bytes_on(u.range, FAR)));
	assert_int_equal(atomic_load(&gate.kept), 2);
	assert_int_equal(bytes_on(g.range, FAR), PAGES * PAGE);
	gate_open();
	turn_until((held_up(g.space), g.world->tiers[FAR].state == TIER_DRAINED));
	assert_int_equal(bytes_on(g.range, FAR), 0);
	turn_until(!crew_busy(d.crew));
	user_close(&u);
}

static struct squad *squad_of(const struct user *u)
{
	return u->space->squad;
}

/* All have a page moved; who has threads of its own shares them with nobody. */
static void users_beyond_the_squads_share_the_last(void **state)
{
	static struct user users[MANY];
	struct squad *last;

	(void)state;
	bring_in(g.range, 1);
	for (uint32_t i = 0; i < MANY; i++) {
		user_open(&users[i], SOMEBODY + i, 1);
		crew_rig_submit(users[i].range, MOVE_FILL, 0, REASON_OWN, FAST);
	}
	for (unsigned int i = 0; i < MANY; i++)
		turn_until(bytes_on(users[i].range, FAST) == PAGE);
	turn_until(!crew_busy(d.crew));
	assert_int_equal(atomic_load(&d.crew->n_squads), CREW_SQUADS);
	last = d.crew->squads[CREW_SQUADS - 1];
	for (unsigned int i = 0; i < MANY; i++)
		assert_true(i < CREW_SQUADS - 2 ? squad_of(&users[i])->spaces == 1 : squad_of(&users[i]) == last);
	assert_int_equal(last->spaces, MANY - (CREW_SQUADS - 2));
	user_close(&users[MANY - 1]);
	assert_int_equal(last->spaces, MANY - 1 - (CREW_SQUADS - 2));

	/* Who comes when a user has gone gets those threads, not the shared ones; who is there already keeps what it has. */
	last = squad_of(&users[3]);
	user_close(&users[3]);
	assert_int_equal(last->spaces, 0);
	user_open(&users[3], SOMEBODY + MANY, 1);
	bring_in(users[3].range, 1);
	assert_ptr_equal(squad_of(&users[3]), last);
	assert_int_equal(last->uid, SOMEBODY + MANY);
	for (unsigned int i = 0; i < MANY - 1; i++)
		user_close(&users[i]);
}

/* Where some of those who share the threads keep them, the others do wait, but nobody with threads of its own does. */
static void who_shares_threads_keeps_those_alone(void **state)
{
	static struct user users[MANY];

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		user_open(&users[i], SOMEBODY + i, 2);
		bring_in(users[i].range, 1);
	}
	gate_close(SIM_FREEZE, 2);
	crew_rig_submit(users[MANY - 1].range, MOVE_EVICT, 0, REASON_OWN, FAR);
	crew_rig_submit(users[MANY - 2].range, MOVE_EVICT, 0, REASON_OWN, FAR);
	turn_until(atomic_load(&gate.kept) == 2);
	for (unsigned int i = 0; i < CREW_SQUADS - 1; i++) {
		crew_rig_submit(users[i].range, MOVE_EVICT, 0, REASON_OWN, FAR);
		turn_until(bytes_on(users[i].range, FAR) == PAGE);
	}
	assert_int_equal(atomic_load(&gate.kept), 2);
	gate_open();
	turn_until(!crew_busy(d.crew));
	for (unsigned int i = 0; i < MANY; i++)
		user_close(&users[i]);
}

/* As the kernel would tell of it: a page that is not there was touched. */
static void touch(int uffd, uint64_t vpn)
{
	struct uffd_msg m = { .event = UFFD_EVENT_PAGEFAULT, .arg.pagefault.address = vpn << LEDGER_PAGE_SHIFT };

	assert_int_equal(write(uffd, &m, sizeof(m)), sizeof(m));
}

/* A fault thread is kept at a page: the end goes by without it, and says so. */
static void the_end_waits_for_no_thread_that_is_kept(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
	g.space->uffd = pair[0];
	gate_close(SIM_ZERO, 1);
	assert_int_equal(crew_serve(d.crew, g.space), 0);
	touch(pair[1], g.first);
	assert_soon(atomic_load(&gate.kept) == 1);
	assert_false(crew_end(d.crew));
	assert_int_equal(atomic_load(&gate.kept), 1);
	assert_true(d.crew->squads[0]->faultds[0].hand.running);
	gate_open();
	assert_soon(crew_end(d.crew));
	crew_rig_end_threads();
	assert_int_equal(rig_state(&g, 0), PAGE_RESIDENT);
	g.space->uffd = -1;
	close(pair[0]);
	close(pair[1]);
}

static enum victim_way pass_on(struct range *r, unsigned int page)
{
	uint64_t vpn = range_first_vpn(r) + page;
	struct victim v = { .range = r, .vpn = vpn, .word = atomic_load(radix_find(&r->space->mirror, vpn)) };
	enum victim_way way;

	assert_true(range_hold(r));
	way = crew_pass_on(&d.crew->squads[0]->faultds[0].hand, &v);
	if (way != VICTIM_PASSED)
		range_drop(r);
	return way;
}

static void a_sealed_crew_asks_no_neighbour(void **state)
{
	struct user u;

	(void)state;
	user_open(&u, SOMEBODY, 4);
	bring_in(g.range, 1);
	bring_in(u.range, 2);
	assert_ptr_equal(crew_squad(d.crew, g.space), d.crew->squads[0]);
	assert_int_equal(pass_on(g.range, 0), VICTIM_OURS);
	assert_int_equal(pass_on(u.range, 0), VICTIM_PASSED);
	turn_until(bytes_on(u.range, FAR) == PAGE && !crew_busy(d.crew));
	crew_seal(d.crew, true);
	assert_int_equal(pass_on(g.range, 0), VICTIM_LEFT);
	assert_int_equal(pass_on(u.range, 1), VICTIM_LEFT);
	assert_int_equal(crew_busy(d.crew), 0);
	crew_seal(d.crew, false);
	user_close(&u);
}

/* It was asked before: both its workers are kept until the crew is sealed. */
static void a_sealed_neighbour_evicts_no_more(void **state)
{
	struct user u;

	(void)state;
	user_open(&u, SOMEBODY, 4);
	bring_in(g.range, 1);
	bring_in(u.range, 2);
	gate_close(SIM_ZERO, 2);
	crew_rig_submit(u.range, MOVE_FILL, 2, REASON_OWN, FAST);
	crew_rig_submit(u.range, MOVE_FILL, 3, REASON_OWN, FAST);
	turn_until(atomic_load(&gate.kept) == 2);
	assert_int_equal(pass_on(u.range, 0), VICTIM_PASSED);
	crew_seal(d.crew, true);
	gate_open();
	turn_until(!crew_busy(d.crew));
	assert_int_equal(bytes_on(u.range, FAST), 4 * PAGE);
	assert_int_equal(atomic_load(&d.crew->passed_on), 0);
	crew_seal(d.crew, false);
	user_close(&u);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, crew_rig_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_keeps_a_thread_for_a_second_is_held_up),
		TEST(no_plan_waits_for_who_is_held_up),
		TEST(no_drain_waits_for_who_is_held_up),
		TEST(users_beyond_the_squads_share_the_last),
		TEST(who_shares_threads_keeps_those_alone),
		TEST(the_end_waits_for_no_thread_that_is_kept),
		TEST(a_sealed_crew_asks_no_neighbour),
		TEST(a_sealed_neighbour_evicts_no_more),
	};

	return cmocka_run_group_tests_name("squads", tests, NULL, NULL);
}
