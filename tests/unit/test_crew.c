// SPDX-License-Identifier: GPL-2.0-or-later
/* The threads: moves over mech_sim, faults over a real userfaultfd. The loop is turned by the tests. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/crew_rig.h"

static int small_crew(void **state)
{
	(void)state;
	crew_rig_open(&(struct rig_options){ .pages = 16, .fast = 16, .far = 16 });
	return 0;
}

static int tight_crew(void **state)
{
	(void)state;
	crew_rig_open(&(struct rig_options){ .pages = 16, .fast = 4, .far = 16 });
	return 0;
}

static void do_all(enum move_kind kind, unsigned int pages, unsigned int tier)
{
	for (unsigned int i = 0; i < pages; i++)
		crew_rig_submit(g.range, kind, i, REASON_POLICY, tier);
	turn_until(crew_busy(d.crew) == 0);
}

/* As a client asks: what was busy, or found no victim at that moment, is tried again. */
static void ask_for(enum move_kind kind, unsigned int page, unsigned int pages, unsigned int tier)
{
	struct op *op;
	uint64_t id;

	assert_int_equal(op_new(&op, g.world, 0, kind, (uint8_t)tier), 0);
	assert_int_equal(op_add_span(op, g.range, g.first + page, pages), 0);
	id = op->id;
	schedule_op(&d, op);
	turn_until(!idmap_get(g.world->ops, id));
}

static void pages_go_out_and_come_back(void **state)
{
	(void)state;
	do_all(MOVE_FILL, 16, FAST);
	for (unsigned int i = 0; i < 16; i++)
		rig_mark(&g, i, i + 1);
	do_all(MOVE_EVICT, 16, FAR);
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(rig_state(&g, i), PAGE_DEVICE);
	do_all(MOVE_FILL, 16, FAST);
	for (unsigned int i = 0; i < 16; i++)
		rig_check(&g, i, i + 1);
}

/* What the loop does before it sends anybody. */
static void flag_pinned(unsigned int pages)
{
	for (unsigned int i = 0; i < pages; i++)
		page_flag(space_word(g.space, (g.first + i) << LEDGER_PAGE_SHIFT), PAGE_PINNED, 0);
}

static void a_pinned_page_stays(void **state)
{
	(void)state;
	flag_pinned(2);
	do_all(MOVE_PIN, 2, FAST);
	assert_int_equal(rig_state(&g, 1), PAGE_RESIDENT);
	assert_true(rig_word(&g, 1) & PAGE_PINNED);
	do_all(MOVE_EVICT, 2, FAR);
	assert_int_equal(rig_state(&g, 1), PAGE_RESIDENT);
	page_flag(space_word(g.space, (g.first + 1) << LEDGER_PAGE_SHIFT), 0, PAGE_PINNED);
	do_all(MOVE_EVICT, 2, FAR);
	assert_int_equal(rig_state(&g, 0), PAGE_RESIDENT);
	assert_int_equal(rig_state(&g, 1), PAGE_DEVICE);
}

static void what_is_discarded_reads_as_zeros(void **state)
{
	(void)state;
	do_all(MOVE_FILL, 2, FAST);
	rig_mark(&g, 0, 9);
	do_all(MOVE_EVICT, 1, FAR);
	do_all(MOVE_DISCARD, 2, FAST);
	assert_int_equal(rig_state(&g, 0), PAGE_ABSENT);
	assert_int_equal(rig_state(&g, 1), PAGE_ABSENT);
	assert_int_equal(rig_read(&g, 0, 0), 0);
}

/* Background moves take free room only; what somebody asked for makes room. */
static void only_requests_evict(void **state)
{
	(void)state;
	do_all(MOVE_FILL, 4, FAST);
	crew_rig_submit(g.range, MOVE_FILL, 5, REASON_HINT, FAST);
	turn_until(crew_busy(d.crew) == 0);
	assert_int_equal(rig_state(&g, 5), PAGE_ABSENT);
	ask_for(MOVE_FILL, 5, 1, FAST);
	assert_int_equal(rig_state(&g, 5), PAGE_RESIDENT);
	assert_int_equal(g.range->tier_bytes[FAR], PAGE);
}

static void an_operation_over_all_pages_adds_up(void **state)
{
	(void)state;
	do_all(MOVE_FILL, 16, FAST);
	ask_for(MOVE_EVICT, 0, 16, FAR);
	assert_int_equal(g.range->tier_bytes[FAR], 16 * PAGE);
}

static void a_full_queue_refuses_and_recovers(void **state)
{
	struct move m = { .range = g.range, .vpn = g.first, .pages = 1, .kind = MOVE_FILL, .reason = REASON_POLICY };
	unsigned int i;

	(void)state;
	for (i = 0; i < CREW_QUEUE; i++)
		crew_rig_submit(g.range, MOVE_FILL, 0, REASON_POLICY, FAST);
	assert_int_equal(crew_room(d.crew, g.space), 0);
	assert_int_equal(crew_submit(d.crew, &m), CREW_E_FULL);
	turn_until(crew_room(d.crew, g.space) == CREW_QUEUE);
	crew_rig_submit(g.range, MOVE_FILL, 1, REASON_POLICY, FAST);
	turn_until(crew_busy(d.crew) == 0);
	assert_int_equal(rig_state(&g, 1), PAGE_RESIDENT);
}

/* crew_rig_close() sees that every hold came back. */
static void queued_moves_come_back_at_the_end(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < CREW_QUEUE; i++)
		crew_rig_submit(g.range, i % 2 ? MOVE_EVICT : MOVE_FILL, i % 16, REASON_POLICY, i % 2 ? FAR : FAST);
	crew_rig_end_threads();
}

static void passed(void *userdata)
{
	++*(unsigned int *)userdata;
}

static void every_thread_passes(void **state)
{
	unsigned int n = 0;

	(void)state;
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(crew_quiesce(d.crew, g.space, passed, &n), 0);
	turn_until(n == 100);
}

static void who_waits_for_a_pass_hears_of_the_end(void **state)
{
	unsigned int n = 0;

	(void)state;
	assert_int_equal(crew_quiesce(d.crew, g.space, passed, &n), 0);
	crew_rig_end_threads();
	assert_int_equal(n, 1);
}

/* ---- with a real userfaultfd: another thread is the program ---- */

static int real_crew(void **state)
{
	struct rig_options o = { .pages = 32, .fast = 8, .far = 32, .map = true };
	const char *reason = rig_backing("small", &o.mech);

	*state = (void *)reason;
	if (reason)
		return 0;
	crew_rig_open(&o);
	assert_int_equal(crew_serve(d.crew, g.space), 0);
	return 0;
}

static int real_stop(void **state)
{
	return *state ? 0 : crew_rig_close(state);
}

struct program {
	pthread_t thread;
	void (*run)(void);
	_Atomic bool done;
};

static void *program_main(void *userdata)
{
	struct program *p = userdata;

	p->run();
	atomic_store(&p->done, true);
	return NULL;
}

static void run_program(void (*run)(void))
{
	struct program p = { .run = run };

	assert_int_equal(pthread_create(&p.thread, NULL, program_main, &p), 0);
	turn_until(atomic_load(&p.done));
	pthread_join(p.thread, NULL);
}

static uint64_t wrong;

static void write_and_read_all(void)
{
	for (unsigned int round = 0; round < 3; round++)
		for (uint64_t i = 0; i < 32; i++) {
			uint64_t *page = g.memory + i * RIG_WORDS;

			wrong += round && page[7] != i + round - 1;
			page[7] = i + round;
		}
}

static void a_program_four_times_the_memory_runs(void **state)
{
	struct crew_counters n;

	if (*state)
		skip_because("%s", (const char *)*state);
	wrong = 0;
	run_program(write_and_read_all);
	assert_int_equal(wrong, 0);
	crew_unserve(d.crew, g.space);
	crew_counters(d.crew, &n);
	assert_true(n.evicted_bytes >= 2 * 24 * PAGE);
	assert_true(n.filled_bytes + n.prefetched_bytes >= 2 * 24 * PAGE);
	assert_true(latency_percentile_ns(&n.latency, 50) > 0);
}

static void read_first_page(void)
{
	wrong += ((volatile uint64_t *)g.memory)[0] != 0;
}

/* Of a reader that is said to be sequential one fault is enough: the pages behind it come unasked. */
static void what_comes_next_is_brought_in_ahead(void **state)
{
	if (*state)
		skip_because("%s", (const char *)*state);
	wrong = 0;
	atomic_store(&g.range->advice, STREAM_ADVICE_SEQUENTIAL);
	run_program(read_first_page);
	assert_int_equal(wrong, 0);
	turn_until(rig_state(&g, 7) == PAGE_RESIDENT);
	turn_until(crew_busy(d.crew) == 0);
}

static void touch_one_more(void)
{
	((volatile uint64_t *)g.memory)[20 * RIG_WORDS] = 1;
}

/* With every resident page pinned a fault waits, and goes on when there is room again. */
static void a_fault_without_room_waits_for_it(void **state)
{
	struct program p = { .run = touch_one_more };
	struct crew_counters n = { 0 };

	if (*state)
		skip_because("%s", (const char *)*state);
	flag_pinned(8);
	do_all(MOVE_PIN, 8, FAST);
	assert_int_equal(pthread_create(&p.thread, NULL, program_main, &p), 0);
	turn_until((crew_counters(d.crew, &n), n.deferred > 0));
	assert_false(atomic_load(&p.done));
	page_flag(space_word(g.space, g.first << LEDGER_PAGE_SHIFT), 0, PAGE_PINNED);
	turn_until(atomic_load(&p.done));
	pthread_join(p.thread, NULL);
	assert_int_equal(rig_state(&g, 0), PAGE_DEVICE);
}

/* For the end of the daemon: even a fault waits rather than send another page away. */
static void a_sealed_crew_evicts_for_nobody(void **state)
{
	struct program p = { .run = touch_one_more };
	struct crew_counters n = { 0 };

	if (*state)
		skip_because("%s", (const char *)*state);
	do_all(MOVE_FILL, 8, FAST);
	crew_seal(d.crew, true);
	assert_int_equal(pthread_create(&p.thread, NULL, program_main, &p), 0);
	turn_until((crew_counters(d.crew, &n), n.deferred > 0));
	assert_false(atomic_load(&p.done));
	assert_int_equal(n.evicted_bytes, 0);
	crew_seal(d.crew, false);
	turn_until(atomic_load(&p.done));
	pthread_join(p.thread, NULL);
}

#define TEST(f, setup) cmocka_unit_test_setup_teardown(f, setup, crew_rig_close)
#define REAL_TEST(f) cmocka_unit_test_setup_teardown(f, real_crew, real_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pages_go_out_and_come_back, small_crew),
		TEST(a_pinned_page_stays, small_crew),
		TEST(what_is_discarded_reads_as_zeros, small_crew),
		TEST(only_requests_evict, tight_crew),
		TEST(an_operation_over_all_pages_adds_up, small_crew),
		TEST(a_full_queue_refuses_and_recovers, small_crew),
		TEST(queued_moves_come_back_at_the_end, small_crew),
		TEST(every_thread_passes, small_crew),
		TEST(who_waits_for_a_pass_hears_of_the_end, small_crew),
		REAL_TEST(a_program_four_times_the_memory_runs),
		REAL_TEST(what_comes_next_is_brought_in_ahead),
		REAL_TEST(a_fault_without_room_waits_for_it),
		REAL_TEST(a_sealed_crew_evicts_for_nobody),
	};

	return cmocka_run_group_tests_name("crew", tests, NULL, NULL);
}
