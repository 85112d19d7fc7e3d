// SPDX-License-Identifier: GPL-2.0-or-later
/* Devices that are full, too small, read-only or broken: data that can be kept is kept, the rest is never read as zeros. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/faulty_device.h"
#include "tests/support/move.h"
#include "tests/support/words.h"

enum { PAGES = 8, SEED = 111 };
#define SIZE (PAGES * HUGE_PAGE)

static struct hmm_range *filled(struct hmm_client *c)
{
	struct hmm_range *r = NULL;

	assert_int_equal(hmm_alloc(c, SIZE, NULL, &r), 0);
	fill_to_rest(c, r, SEED);
	return r;
}

static void a_full_device_takes_what_fits(void **state)
{
	struct house *h = house_on(state, "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 32M\n"
				   "[tier far]\nkind = memory\ncapacity = 6M\n[policy default]\nengine = static\ntrack = no\n");
	struct hmm_client *c = house_client(h, "full", 0);
	struct hmm_range *r = filled(c);
	struct hmm_move_result result;

	move_some(r, 0, 0, "far", &result);
	/*
	 * A page may have come back by now, or even while pages were still on their way: a device keeps a reserve,
	 * so that threads never wait for a slot. Then one more found a place.
	 */
	if (result.moved < 6 * MiB || result.moved + result.busy + result.failed != SIZE)
		fail_msg("%llu bytes moved, %llu there, %llu busy, %llu failed", (unsigned long long)result.moved,
			 (unsigned long long)result.already_there, (unsigned long long)result.busy,
			 (unsigned long long)result.failed);
	assert_in_range(ask_used(c, "far"), 4 * MiB, 6 * MiB);
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	assert_int_equal(hmm_range_free(r), 0);
	assert_int_equal(ask_sum(c, "tiers", "used"), 0);
	hmm_client_unref(c);
	house_close(h);
}

/* A directory of its own kind for the device's file. */
static struct house *with_mount(char *ret_dir, const char *data)
{
	struct house *h = house_prepare(NULL);
	char config[512];

	snprintf(ret_dir, HOUSE_PATH, "%.64s/disk", h->dir);
	assert_int_equal(mkdir(ret_dir, 0755), 0);
	assert_int_equal(mount("tmpfs", ret_dir, "tmpfs", 0, data), 0);
	snprintf(config, sizeof(config), "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 32M\n"
		 "[tier far]\nkind = file\npath = %s/far\ncapacity = 64M\n[policy default]\ntrack = no\n", ret_dir);
	house_write_config(h, config);
	return h;
}

/*
 * Either hmmd refuses to start and names the file, or it starts without that tier and says so; in both
 * cases nobody finds out by losing a page.
 */
static void refused_or_left_out(struct house *h, const char *dir)
{
	struct hmm_client *c;
	char text[32];

	if (!house_try(h)) {
		assert_true(house_logged(h, dir));
		return;
	}
	c = house_client(h, "broken disk", 0);
	ask_text(c, "tiers", "name", "far", "state", text, sizeof(text));
	assert_string_equal(text, "failed");
	assert_true(house_logged(h, dir));
	hmm_range_free(filled(c));
	hmm_client_unref(c);
	house_stop(h);
}

static void a_file_system_too_small(void **state)
{
	char dir[HOUSE_PATH];
	struct house *h;

	(void)state;
	if (geteuid())
		skip_because("mounting a small file system needs root");
	h = with_mount(dir, "size=8m");
	refused_or_left_out(h, dir);
	assert_true(house_logged(h, "MiB are free there"));
	assert_int_equal(count_files(dir, ""), 0);	/* or it would stay full */
	assert_int_equal(umount(dir), 0);
	house_remove(h);
}

static void a_read_only_file_system(void **state)
{
	char dir[HOUSE_PATH];
	struct house *h;

	(void)state;
	if (geteuid())
		skip_because("mounting a read-only file system needs root");
	h = with_mount(dir, "size=128m");
	assert_int_equal(mount(NULL, dir, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	refused_or_left_out(h, dir);
	assert_int_equal(umount(dir), 0);
	house_remove(h);
}

/* ---- the fault-injecting device ---- */

/* A quiet house whose device does as it is told, and a client with a filled range. */
struct faulty {
	struct faulty_switches *switches;
	struct house *house;
	struct hmm_client *client;
	struct hmm_range *range;
	char path[64];
};

static void open_faulty(struct faulty *f, const char *backing)
{
	struct house_options o = { .config = HOUSE_QUIET, .backing = backing };
	const char *missing = house_backing_missing(o.backing);

	if (missing)
		skip_because("%s", missing);
	f->switches = faulty_switches_new(&o, f->path);
	f->house = house_open(&o);
	f->client = house_client(f->house, "faulty", 0);
	f->range = filled(f->client);
}

static void close_faulty(struct faulty *f)
{
	hmm_client_unref(f->client);
	house_close(f->house);
	faulty_switches_free(f->switches, f->path);
}

/* Nothing leaves memory for a device that does not take it. */
static void write_errors_lose_nothing(void **state)
{
	struct hmm_move_result result;
	struct faulty f;
	void *at;

	open_faulty(&f, *state);
	at = hmm_range_addr(f.range);
	atomic_store(&f.switches->write_error, EIO);
	move_some(f.range, 0, 0, "far", &result);
	assert_int_equal(result.moved, 0);
	assert_int_equal(result.busy + result.failed, SIZE);
	assert_true(atomic_load(&f.switches->failed) > 0);
	assert_soon(ask_used(f.client, "far") == 0);
	assert_soon(ask_used(f.client, "dram") == SIZE);
	assert_int_equal(words_bad(at, SIZE, SEED), 0);
	words_fill(at, SIZE, SEED + 1);	/* writable again, too */
	assert_int_equal(words_bad(at, SIZE, SEED + 1), 0);
	assert_int_equal(ask_status(f.client, "lost_pages"), 0);
	close_faulty(&f);
}

/* The device is slow, so that the page is written while it is on its way there. True: that was noticed. */
static bool write_wins(struct hmm_client *c, struct hmm_range *r, uint64_t *value)
{
	volatile uint64_t *w = hmm_range_addr(r);
	struct hmm_op *op = NULL;

	assert_int_equal(hmm_range_migrate(r, 0, HUGE_PAGE, "far", 0, &op), 0);
	do {
		*w = ++*value;
	} while (hmm_op_wait(op, 1000) == HMM_OP_PENDING);
	hmm_op_unref(op);
	return ask_status(c, "aborted_dirty") > 0;
}

static void a_write_under_way_is_kept(void **state)
{
	struct faulty f;
	uint64_t value = 0;
	void *at;

	open_faulty(&f, *state);
	at = hmm_range_addr(f.range);
	atomic_store(&f.switches->delay_us, 20000);
	assert_soon(write_wins(f.client, f.range, &value));
	atomic_store(&f.switches->delay_us, 0);
	move_all(f.range, 0, 0, "far");
	assert_int_equal(*(uint64_t *)at, value);
	*(uint64_t *)at = words_at(SEED, 0);
	assert_int_equal(words_bad(at, SIZE, SEED), 0);
	close_faulty(&f);
}

struct seen {
	_Atomic uint64_t lost_bytes;
};

static void note(struct hmm_client *c, const struct hmm_event *e, void *userdata)
{
	struct seen *s = userdata;

	(void)c;
	if (e->type == HMM_EVENT_LOST)
		atomic_fetch_add(&s->lost_bytes, e->length);
}

static sigjmp_buf bus;

static void on_bus(int sig)
{
	(void)sig;
	siglongjmp(bus, 1);
}

/* true: reading there raises SIGBUS. */
static bool raises_bus(const volatile char *p)
{
	struct sigaction a = { .sa_handler = on_bus }, old;
	bool raised = true;

	sigaction(SIGBUS, &a, &old);
	if (!sigsetjmp(bus, 1)) {
		(void)*p;
		raised = false;
	}
	sigaction(SIGBUS, &old, NULL);
	return raised;
}

static void what_cannot_be_read_back_is_sigbus(void **state)
{
	struct house_options o = { .config = HOUSE_QUIET, .backing = *state };
	const char *missing = house_backing_missing(o.backing);
	struct faulty_switches *s;
	struct hmm_client *c;
	struct hmm_range *r;
	struct house *h;
	struct seen seen = { 0 };
	uint8_t tiers[PAGES];
	char path[64];

	if (missing)
		skip_because("%s", missing);
	s = faulty_switches_new(&o, path);
	h = house_open(&o);
	c = house_client(h, "faulty", 0);
	assert_int_equal(hmm_client_set_event_handler(c, note, &seen), 0);
	r = filled(c);
	assert_int_equal(hmm_range_advise(r, 0, 0, HMM_ADVICE_RANDOM, 0), 0);
	move_all(r, 0, 2 * HUGE_PAGE, "far");
	atomic_store(&s->read_error, EIO);
	assert_true(raises_bus(hmm_range_addr(r)));
	atomic_store(&s->read_error, 0);
	assert_true(raises_bus(hmm_range_addr(r)));		/* it stays lost */
	assert_soon(atomic_load(&seen.lost_bytes) == HUGE_PAGE);
	assert_int_equal(hmm_range_residency(r, 0, 0, tiers), 0);
	assert_int_equal(tiers[0], HMM_TIER_LOST);
	assert_int_equal(ask_status(c, "lost_pages"), 1);
	/* The page beside it, and everything else, is as it was. */
	for (size_t i = 1; i < PAGES; i++)
		for (size_t k = 0; k < HUGE_PAGE / 8; k += 4096) {
			size_t word = i * (HUGE_PAGE / 8) + k;

			assert_int_equal(((uint64_t *)hmm_range_addr(r))[word], words_at(SEED, word));
		}
	assert_int_equal(hmm_range_free(r), 0);
	assert_int_equal(ask_sum(c, "tiers", "used"), 0);
	hmm_client_unref(c);
	house_close(h);
	faulty_switches_free(s, path);
}

/* SIGTERM while the device refuses to give pages back: it ends, and what is lost is not zeros. */
static void a_slow_device_is_waited_for(void **state)
{
	struct house_options o = { .config = HOUSE_QUIET };
	struct hmm_client *c;
	struct hmm_range *r;
	struct house *h;
	char path[64];
	struct faulty_switches *s = faulty_switches_new(&o, path);
	int status;

	(void)state;
	h = house_open(&o);
	c = house_client(h, "faulty", 0);
	r = filled(c);
	move_all(r, 0, 0, "far");
	atomic_store(&s->delay_us, 50000);
	status = house_stop(h);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	hmm_client_unref(c);
	house_remove(h);
	faulty_switches_free(s, path);
}

static void a_memory_device_beyond_the_machine_is_refused(void **state)
{
	struct house *h = house_prepare(NULL);

	(void)state;
	house_write_config(h, "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 32M\n"
			   "[tier far]\nkind = memory\ncapacity = 4096T\n");
	assert_false(house_try(h));
	assert_true(house_logged(h, "4294967296 MiB do not fit into this machine"));
	house_remove(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PER_BACKING(a_full_device_takes_what_fits),
		cmocka_unit_test(a_memory_device_beyond_the_machine_is_refused),
		cmocka_unit_test(a_file_system_too_small),
		cmocka_unit_test(a_read_only_file_system),
		PER_BACKING(write_errors_lose_nothing),
		PER_BACKING(a_write_under_way_is_kept),
		PER_BACKING(what_cannot_be_read_back_is_sigbus),
		cmocka_unit_test(a_slow_device_is_waited_for),
	};

	return cmocka_run_group_tests_name("devices", tests, NULL, NULL);
}
