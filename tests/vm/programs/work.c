// SPDX-License-Identifier: GPL-2.0-or-later
/* Clients of the service (work.h). */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/move.h"
#include "tests/support/words.h"
#include "tests/vm/programs/patience.h"
#include "tests/vm/programs/work.h"

static struct hmm_client *try_client(const char *name)
{
	struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;
	struct hmm_client *c = NULL;

	o.name = name;
	o.reconnect_timeout_us = VM_PATIENCE_US;
	hmm_client_new(&c, &o);
	return c;
}

/* The library waits ten seconds for an answer, which a daemon that is just being started may need here. */
struct hmm_client *work_client(const char *name)
{
	struct hmm_client *c = NULL;

	vm_soon((c = try_client(name)));
	return c;
}

struct hmm_range *work_range(struct hmm_client *c)
{
	struct hmm_range *r = NULL;
	int e = hmm_alloc(c, WORK_SIZE, NULL, &r);

	if (e)
		fail_msg("hmm_alloc: %s (%s)", strerror(-e), hmm_client_last_error(c));
	return r;
}

/* By faults, and ahead of them. */
static uint64_t brought(struct hmm_client *c)
{
	return ask_status(c, "filled_bytes") + ask_status(c, "prefetched_bytes");
}

void work_through(const char *tier)
{
	struct hmm_client *c = work_client("work");
	struct hmm_range *r = work_range(c);
	uint64_t before = brought(c);
	struct hmm_move_result result;
	char backing[16];

	words_fill(hmm_range_addr(r), WORK_SIZE, 1);
	move_all(r, 0, 0, tier);
	assert_int_equal(move_count(r, (uint8_t)ask_tier(c, tier)), WORK_PAGES);
	assert_int_equal(words_bad(hmm_range_addr(r), WORK_SIZE, 1), 0);
	move_some(r, 0, 0, "dram", &result);
	assert_true(brought(c) - before >= WORK_SIZE);
	ask_text(c, "status", NULL, NULL, "backing", backing, sizeof(backing));
	print_message("# uid %u: %llu bytes to %s and back, backing %s\n", getuid(), (unsigned long long)WORK_SIZE, tier, backing);
	assert_string_equal(backing, "hugetlb");
	assert_int_equal(ask_status(c, "lost_pages"), 0);
	assert_int_equal(hmm_range_free(r), 0);
	hmm_client_unref(c);
}

struct toucher {
	_Atomic uint64_t *words;
	_Atomic bool stop;
	pthread_t thread;
};

static void *touch(void *arg)
{
	struct toucher *t = arg;

	while (!atomic_load(&t->stop))
		for (size_t i = 0; i < WORK_PAGES / 2; i++)
			atomic_fetch_add(&t->words[i * HUGE_PAGE / sizeof(uint64_t)], 1);
	return NULL;
}

static struct hmm_range *named_range(struct hmm_client *c, const char *name, size_t size)
{
	struct hmm_range_options o = HMM_RANGE_OPTIONS_INIT;
	struct hmm_range *r = NULL;

	o.name = name;
	assert_int_equal(hmm_alloc(c, size, &o, &r), 0);
	memset(hmm_range_addr(r), 1, size);
	return r;
}

static uint64_t heat_of(struct hmm_client *c, const char *range)
{
	return ask_number(c, "ranges", "name", range, "heat");
}

/* Half of a temperature is what nothing is known of. */
void work_is_seen(void)
{
	enum { WARM = 70, COOL = 30 };	/* per cent */
	struct hmm_client *c = work_client("touches");
	struct hmm_range *hot = named_range(c, "hot", WORK_SIZE / 2), *cold = named_range(c, "cold", WORK_SIZE / 2);
	static struct toucher t;

	t = (struct toucher){ .words = hmm_range_addr(hot) };
	assert_int_equal(pthread_create(&t.thread, NULL, touch, &t), 0);
	vm_soon(heat_of(c, "hot") > WARM && heat_of(c, "cold") < COOL);
	atomic_store(&t.stop, true);
	pthread_join(t.thread, NULL);
	print_message("# uid %u: heat %llu %% of what is touched, %llu %% of what is not\n", getuid(),
		      (unsigned long long)heat_of(c, "hot"), (unsigned long long)heat_of(c, "cold"));
	assert_int_equal(hmm_range_free(hot), 0);
	assert_int_equal(hmm_range_free(cold), 0);
	hmm_client_unref(c);
}

void work_in_kernel(void)
{
	struct hmm_client *c = work_client("kernel");
	struct hmm_range *r = work_range(c);
	int ends[2];

	words_fill(hmm_range_addr(r), WORK_SIZE, 2);
	move_all(r, 0, 0, "far");
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "twelve bytes", 12), 12);
	assert_int_equal(read(ends[0], hmm_range_addr(r), 12), 12);
	assert_memory_equal(hmm_range_addr(r), "twelve bytes", 12);
	assert_int_equal(words_bad((char *)hmm_range_addr(r) + HUGE_PAGE, WORK_SIZE - HUGE_PAGE, 2) != 0, 1);
	hmm_client_unref(c);
}
