// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No daemon comes back in time: the program is told, pages that only a device has raise SIGBUS and
 * never read as zeros, everything else becomes plain memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tests/client/fake.h"

static sigjmp_buf escape;

static void on_sigbus(int signal)
{
	(void)signal;
	siglongjmp(escape, 1);
}

/* The byte there, or -1 when touching it raises SIGBUS. */
static int try_read(const uint8_t *p)
{
	struct sigaction action = { .sa_handler = on_sigbus }, was;
	int value = -1;

	sigaction(SIGBUS, &action, &was);
	if (sigsetjmp(escape, 1) == 0)
		value = *(const volatile uint8_t *)p;
	sigaction(SIGBUS, &was, NULL);
	return value;
}

static void need_poison(void)
{
	struct utsname name;
	int major, minor;

	assert_int_equal(uname(&name), 0);
	assert_int_equal(sscanf(name.release, "%d.%d", &major, &minor), 2);
	if (major < 6 || (major == 6 && minor < 6))
		skip_because("kernel %s has no UFFDIO_POISON (6.6 has)", name.release);
}

static struct hmm_client *client_in_a_hurry(struct fake *f, uint32_t flags)
{
	struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;
	struct hmm_client *c;

	o.socket_path = f->path;
	o.flags = flags;
	o.reconnect_timeout_us = 200000;
	assert_int_equal(hmm_client_new(&c, &o), 0);
	return c;
}

enum { DEVICE, UNTOUCHED, RESIDENT, FILLING_HOLE, FILLING_THERE, POISONED, PAGES };

/* A range whose pages are in these states, by ledger and by file. */
static uint8_t *prepare(struct fake *f, struct hmm_client *c, uint64_t *leaf,
			struct hmm_range **ret)
{
	uint8_t *p;
	uint64_t vpn;

	assert_int_equal(hmm_alloc(c, PAGES * HUGE_PAGE, NULL, ret), 0);
	p = hmm_range_addr(*ret);
	FAKE_SET(f, fill, 0x71);
	p[RESIDENT * HUGE_PAGE] = 0x72;
	p[FILLING_THERE * HUGE_PAGE] = 0x73;
	vpn = (uintptr_t)p >> LEDGER_PAGE_SHIFT;
	leaf[ledger_index(vpn + DEVICE, 0)] = PAGE_DEVICE;
	leaf[ledger_index(vpn + RESIDENT, 0)] = PAGE_RESIDENT;
	leaf[ledger_index(vpn + FILLING_HOLE, 0)] = PAGE_FILLING;
	leaf[ledger_index(vpn + FILLING_THERE, 0)] = PAGE_FILLING;
	leaf[ledger_index(vpn + POISONED, 0)] = PAGE_POISONED;
	return p;
}

/*
 * The range's address is known only after the connection whose ledger must have it, so a first
 * range of another client shows where the kernel maps: the leaf tables of the whole neighbourhood
 * are one table.
 */
static uint64_t *one_leaf_for_all(struct fake *f)
{
	uint64_t *leaf = fake_ledger(f, 0), *root = leaf - 2 * LEDGER_FANOUT,
		 *middle = leaf - LEDGER_FANOUT;

	for (size_t i = 0; i < LEDGER_FANOUT; i++) {
		root[i] = 2;
		middle[i] = 3;
	}
	return leaf;
}

static void what_is_away_raises_sigbus(void **state)
{
	struct fake *f = *state;
	struct seen seen = SEEN_INIT;
	struct hmm_client *c;
	struct hmm_range *r;
	uint64_t *leaf;
	uint8_t *p;

	need_userfaultfd();
	need_poison();
	leaf = one_leaf_for_all(f);
	c = client_in_a_hurry(f, 0);
	hmm_client_set_event_handler(c, see, &seen);
	p = prepare(f, c, leaf, &r);
	fake_die(f);
	assert_soon(seen_count(&seen, HMM_EVENT_LOST) == 1);
	assert_ptr_equal(SEEN(seen, LOST)->range, r);
	assert_int_equal(SEEN(seen, LOST)->length, PAGES * HUGE_PAGE);
	assert_int_equal(try_read(p + DEVICE * HUGE_PAGE), -1);
	assert_int_equal(try_read(p + DEVICE * HUGE_PAGE + HUGE_PAGE - 1), -1);
	assert_int_equal(try_read(p + FILLING_HOLE * HUGE_PAGE + 4096), -1);
	assert_int_equal(try_read(p + POISONED * HUGE_PAGE), -1);
	assert_int_equal(try_read(p + RESIDENT * HUGE_PAGE), 0x72);
	assert_int_equal(try_read(p + RESIDENT * HUGE_PAGE + 1), 0x71);
	assert_int_equal(try_read(p + FILLING_THERE * HUGE_PAGE), 0x73);
	assert_int_equal(try_read(p + UNTOUCHED * HUGE_PAGE), 0);
	p[UNTOUCHED * HUGE_PAGE] = 5;
	p[RESIDENT * HUGE_PAGE] = 6;
	assert_int_equal(try_read(p + UNTOUCHED * HUGE_PAGE), 5);
	/* A daemon that comes now may serve new ranges; this one stays what it is. */
	fake_listen(f);
	assert_soon(seen_count(&seen, HMM_EVENT_RECONNECTED) == 1);
	assert_int_equal(FAKE_GET(f, resume_client), 0);
	assert_int_equal(seen_count(&seen, HMM_EVENT_LOST), 1);
	assert_int_equal(hmm_range_free(r), 0);
	assert_int_equal(fake_count(f, HMMD__MESSAGE__KIND_FREE), 0);
	assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &r), 0);
	assert_int_equal(try_read(hmm_range_addr(r)), 0x71);
	hmm_client_unref(c);
}

static void without_a_ledger_every_hole_is_lost(void **state)
{
	struct fake *f = *state;
	struct seen seen = SEEN_INIT;
	struct hmm_client *c;
	struct hmm_range *r;
	uint8_t *p;

	need_userfaultfd();
	need_poison();
	c = client_in_a_hurry(f, 0);
	hmm_client_set_event_handler(c, see, &seen);
	assert_int_equal(hmm_alloc(c, 3 * HUGE_PAGE, NULL, &r), 0);
	p = hmm_range_addr(r);
	p[HUGE_PAGE] = 1;
	fake_die(f);
	assert_soon(seen_count(&seen, HMM_EVENT_LOST) == 1);
	assert_int_equal(try_read(p), -1);
	assert_int_equal(try_read(p + HUGE_PAGE), 1);
	assert_int_equal(try_read(p + 2 * HUGE_PAGE), -1);
	hmm_client_unref(c);
}

static void *touch(void *addr)
{
	return (void *)(uintptr_t)*(volatile uint8_t *)addr;
}

/*
 * With HMM_CLIENT_KEEP_WAITING the program is told too, but its threads wait on, and are served in
 * the end.
 */
static void keep_waiting(void **state)
{
	struct fake *f = *state;
	struct seen seen = SEEN_INIT;
	struct hmm_client *c;
	struct hmm_range *r;
	pthread_t thread;
	void *got;

	need_userfaultfd();
	FAKE_SET(f, features, HMMD__FEATURE__FEATURE_RESUME);
	c = client_in_a_hurry(f, HMM_CLIENT_KEEP_WAITING);
	hmm_client_set_event_handler(c, see, &seen);
	assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &r), 0);
	fake_die(f);
	assert_int_equal(pthread_create(&thread, NULL, touch, hmm_range_addr(r)), 0);
	assert_soon(seen_count(&seen, HMM_EVENT_LOST) == 1);
	FAKE_SET(f, fill, 0x19);
	fake_listen(f);
	assert_int_equal(pthread_join(thread, &got), 0);
	assert_int_equal((uintptr_t)got, 0x19);
	assert_soon(seen_count(&seen, HMM_EVENT_RECONNECTED) == 1);
	assert_int_equal(FAKE_GET(f, resumed_inodes), 1);
	hmm_client_unref(c);
}

static bool resume_loses_one(struct fake *f, uint64_t id, const Hmmd__Message *m, const int *fds,
			     size_t n_fds)
{
	Hmmd__Lost lost = HMMD__LOST__INIT;
	Hmmd__Message event = FAKE_MESSAGE(LOST, lost, &lost);

	(void)fds;
	(void)n_fds;
	if (m->kind_case != HMMD__MESSAGE__KIND_RESUME)
		return false;
	lost.range = 100;
	lost.text = "unknown range";
	fake_reply(f, 0, &event, NULL, 0);
	fake_ok(f, id);
	return true;
}

/* A single range that the daemon does not take over is lost, the others go on. */
static void one_range_is_not_taken_over(void **state)
{
	struct fake *f = *state;
	struct seen seen = SEEN_INIT;
	struct hmm_client *c;
	struct hmm_range *first, *second;

	need_userfaultfd();
	need_poison();
	FAKE_SET(f, features, HMMD__FEATURE__FEATURE_RESUME);
	fake_set_script(f, resume_loses_one, NULL);
	c = fake_client(f, 0);
	hmm_client_set_event_handler(c, see, &seen);
	assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &first), 0);
	assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &second), 0);
	fake_cut(f);
	assert_soon(seen_count(&seen, HMM_EVENT_RECONNECTED) == 1);
	assert_int_equal(seen_count(&seen, HMM_EVENT_LOST), 1);
	assert_int_equal(try_read(hmm_range_addr(first)), -1);
	FAKE_SET(f, fill, 0x44);
	assert_int_equal(try_read(hmm_range_addr(second)), 0x44);
	assert_int_equal(hmm_range_advise(first, 0, 0, HMM_ADVICE_COLD, 0), -ENOTCONN);
	assert_int_equal(hmm_range_advise(second, 0, 0, HMM_ADVICE_COLD, 0), 0);
	hmm_client_unref(c);
}

/* The daemon that is there now has another ledger for us: what is away is known from the old one alone. */
static void unknown_to_the_next_daemon(void **state)
{
	struct fake *f = *state;
	struct seen seen = SEEN_INIT;
	struct hmm_client *c;
	struct hmm_range *r;
	uint64_t *leaf;
	uint8_t *p;

	need_userfaultfd();
	need_poison();
	leaf = one_leaf_for_all(f);
	c = fake_client(f, 0);
	hmm_client_set_event_handler(c, see, &seen);
	p = prepare(f, c, leaf, &r);
	fake_ledger(f, (uintptr_t)p);
	fake_cut(f);
	assert_soon(seen_count(&seen, HMM_EVENT_LOST) == 1);
	assert_soon(seen_count(&seen, HMM_EVENT_RECONNECTED) == 1);
	assert_int_equal(try_read(p + DEVICE * HUGE_PAGE), -1);
	assert_int_equal(try_read(p + RESIDENT * HUGE_PAGE), 0x72);
	assert_int_equal(try_read(p + UNTOUCHED * HUGE_PAGE), 0);
	hmm_client_unref(c);
}

/* The lock of a daemon that works on the ledger's pages; it goes with the descriptor. */
static int daemon_lock(struct fake *f)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", FAKE_GET(f, ledger));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_SH), 0);
	return fd;
}

/* It answers nobody, but it lives and may be in the middle of a move: nothing is given up before it has ended. */
static void a_daemon_that_hangs_is_waited_for(void **state)
{
	struct fake *f = *state;
	struct seen seen = SEEN_INIT;
	struct hmm_client *c;
	struct hmm_range *r;
	uint64_t *leaf;
	char path[64];
	uint8_t *p;
	int lock;

	need_userfaultfd();
	need_poison();
	leaf = one_leaf_for_all(f);
	lock = daemon_lock(f);
	c = client_in_a_hurry(f, 0);
	hmm_client_set_event_handler(c, see, &seen);
	p = prepare(f, c, leaf, &r);
	fake_die(f);
	assert_soon(seen_count(&seen, HMM_EVENT_DISCONNECTED) == 1);
	usleep(1000000);	/* five times its patience, in which it could have given up */
	assert_int_equal(seen_count(&seen, HMM_EVENT_LOST), 0);
	close(lock);
	assert_soon(seen_count(&seen, HMM_EVENT_LOST) == 1);
	assert_int_equal(try_read(p + DEVICE * HUGE_PAGE), -1);
	assert_int_equal(try_read(p + RESIDENT * HUGE_PAGE), 0x72);
	/* From here it is ours: a daemon that comes later keeps away from it. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", FAKE_GET(f, ledger));
	lock = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(lock, LOCK_SH | LOCK_NB), -1);
	close(lock);
	hmm_client_unref(c);
}

/* One that does not know us while another still works on our pages: we come again, with the same name. */
static void two_daemons(void **state)
{
	struct fake *f = *state;
	struct seen seen = SEEN_INIT;
	struct hmm_client *c;
	struct hmm_range *r;
	uint64_t *leaf;
	uint8_t *p;
	int lock;

	need_userfaultfd();
	need_poison();
	leaf = one_leaf_for_all(f);
	lock = daemon_lock(f);
	c = fake_client(f, 0);
	hmm_client_set_event_handler(c, see, &seen);
	p = prepare(f, c, leaf, &r);
	FAKE_SET(f, client, 78);
	fake_cut(f);
	assert_soon(fake_count(f, HMMD__MESSAGE__KIND_HELLO) >= 3);
	assert_int_equal(seen_count(&seen, HMM_EVENT_LOST), 0);
	assert_int_equal(FAKE_GET(f, resume_client), 77);
	close(lock);
	assert_soon(seen_count(&seen, HMM_EVENT_RECONNECTED) == 1);
	assert_int_equal(seen_count(&seen, HMM_EVENT_LOST), 1);
	assert_int_equal(try_read(p + DEVICE * HUGE_PAGE), -1);
	hmm_client_unref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_TEST(what_is_away_raises_sigbus),
		FAKE_TEST(without_a_ledger_every_hole_is_lost),
		FAKE_TEST(keep_waiting),
		FAKE_TEST(one_range_is_not_taken_over),
		FAKE_TEST(unknown_to_the_next_daemon),
		FAKE_TEST(a_daemon_that_hangs_is_waited_for),
		FAKE_TEST(two_daemons),
	};

	return cmocka_run_group_tests_name("client_lost", tests, NULL, NULL);
}
