// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Coming back takes its time where there is much, and longer where the kernel or a program keeps hmmd waiting. Who is
 * ready is served meanwhile, and the service manager hears that the start goes on.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/faulty_device.h"
#include "tests/support/manager.h"
#include "tests/support/other.h"
#include "tests/support/seen.h"
#include "tests/support/words.h"

enum { LITTLE = 3, MUCH = 8, NEAR = 4 /* pages of it that lie where the little one's do */, SEED = 71, NOBODY = 65534 };
#define LITTLE_SIZE (LITTLE * HUGE_PAGE)
#define MUCH_SIZE (MUCH * HUGE_PAGE)

/* This program has little on the device, another one has much. */
struct both {
	struct faulty_switches *switches;
	char path[64];
	struct house *house;
	struct hmm_client *client;
	struct hmm_range *little;
	struct seen seen;
	struct other other;
};

/* Up to the end of the daemon that has both. flags: of this program's client. */
static void begin(struct both *x, bool managed, uid_t uid, uint32_t flags)
{
	struct house_options o = { .managed = managed };
	char config[512];

	*x = (struct both){ .switches = faulty_switches_new(&o, x->path) };
	x->house = house_prepare(&o);
	assert_int_equal(chmod(x->house->dir, 0755), 0);
	snprintf(config, sizeof(config), "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 64M\n"
		 "[tier far]\nkind = file\npath = %s/far\ncapacity = 64M\n[policy default]\nengine = static\ntrack = no\n",
		 x->house->dir);
	house_write_config(x->house, config);
	house_start(x->house);
	other_begin(&x->other, x->house, MUCH_SIZE, SEED + 1, uid);
	assert_int_equal(other_looks(&x->other), 0);
	x->client = house_client(x->house, "little", flags);
	assert_int_equal(hmm_client_set_event_handler(x->client, seen_note, &x->seen), 0);
	x->little = range_away(x->client, LITTLE_SIZE, SEED);
	house_kill(x->house);
	atomic_store(&x->switches->far_from, NEAR * HUGE_PAGE);
}

static void end(struct both *x)
{
	assert_int_equal(other_looks(&x->other), 0);
	assert_soon(ask_status(x->client, "recovering_clients") == 0);
	assert_int_equal(words_bad(hmm_range_addr(x->little), LITTLE_SIZE, SEED), 0);
	assert_int_equal(atomic_load(&x->seen.lost), 0);
	other_end(&x->other);
	hmm_client_unref(x->client);
	assert_soon(count_files(x->house->state, ".ledger") == 0);
	house_close(x->house);
	faulty_switches_free(x->switches, x->path);
}

static bool waits_for(const struct both *x, const char *what)
{
	char text[32];

	ask_text(x->client, "clients", "name", "other", "waiting_for", text, sizeof(text));
	return !strcmp(text, what);
}

/* The kernel does not say whether the other's pages are in memory: that one waits, and it alone. */
static void a_page_that_nobody_can_place(void **state)
{
	struct both x;

	(void)state;
	begin(&x, true, 0, 0);
	atomic_store(&x.switches->unknown, true);
	house_start(x.house);
	assert_soon(atomic_load(&x.seen.reconnected) == 1);
	assert_int_equal(words_bad(hmm_range_addr(x.little), LITTLE_SIZE, SEED), 0);
	assert_int_equal(ask_status(x.client, "recovering_clients"), 1);
	assert_true(ask_status(x.client, "recovering_pages") >= MUCH - NEAR);
	assert_soon(waits_for(&x, "recovery"));
	atomic_store(&x.switches->unknown, false);
	end(&x);
}

/*
 * Of the same user: the one with much is under way when the one with little comes, and goes on when that has had its
 * turn, and else not at all.
 */
static void little_does_not_wait_for_much(void **state)
{
	struct hmm_client *looker;
	struct both x;

	(void)state;
	begin(&x, false, 0, HMM_CLIENT_NO_HELPER);
	atomic_store(&x.switches->near_wanted, NEAR + 1);	/* a turn may be over after one page */
	atomic_store(&x.switches->hold, true);
	house_start(x.house);
	looker = house_client(x.house, "looker", 0);
	assert_soon(atomic_load(&x.switches->far_looks) == 1);
	assert_soon((hmm_client_process(x.client), ask_status(looker, "recovering_clients") == 2));
	assert_int_equal(atomic_load(&x.switches->near_looks), NEAR);
	atomic_store(&x.switches->hold, false);
	assert_soon((hmm_client_process(x.client), atomic_load(&x.seen.reconnected) == 1));
	hmm_client_unref(looker);
	end(&x);
}

/* As a program does that holds its own address space, or a device that does not answer. */
static void who_keeps_hmmd_waiting_waits_alone(void **state)
{
	struct both x;

	(void)state;
	begin(&x, true, NOBODY, 0);
	atomic_store(&x.switches->hold, true);
	house_start(x.house);
	assert_true(manager_ready(x.house->manager));
	assert_true(manager_extended(x.house->manager) > 0);
	assert_soon(atomic_load(&x.seen.reconnected) == 1);
	assert_int_equal(words_bad(hmm_range_addr(x.little), LITTLE_SIZE, SEED), 0);
	assert_soon(atomic_load(&x.switches->far_looks) == 1);
	assert_int_equal(ask_status(x.client, "recovering_clients"), 1);
	/* Nor does the end wait, and the next one finds all as it was. */
	assert_int_equal(house_stop(x.house), 0);
	atomic_store(&x.switches->hold, false);
	house_start(x.house);
	assert_soon(atomic_load(&x.seen.reconnected) == 2);
	end(&x);
}

/* Where nobody keeps its descriptors the client itself brings them. */
static void a_client_that_is_back_waits_too(void **state)
{
	struct both x;

	(void)state;
	begin(&x, false, 0, 0);
	atomic_store(&x.switches->unknown, true);
	house_start(x.house);
	assert_soon(atomic_load(&x.seen.reconnected) == 1);
	assert_soon(ask_status(x.client, "recovering_clients") == 1);
	assert_soon(house_logged(x.house, "the kernel does not say where they are"));
	assert_soon(waits_for(&x, "recovery"));
	assert_int_equal(words_bad(hmm_range_addr(x.little), LITTLE_SIZE, SEED), 0);
	atomic_store(&x.switches->unknown, false);
	end(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_that_nobody_can_place),
		cmocka_unit_test(little_does_not_wait_for_much),
		cmocka_unit_test(who_keeps_hmmd_waiting_waits_alone),
		cmocka_unit_test(a_client_that_is_back_waits_too),
	};

	return cmocka_run_group_tests_name("recovery", tests, NULL, NULL);
}
