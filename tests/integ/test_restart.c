// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon dies under running clients and comes back: with systemd's fd store, and without it, when
 * the clients send their descriptors again. The writers keep on writing and check every word.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/io/keeper_own.h"
#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/churn.h"
#include "tests/support/manager.h"
#include "tests/support/move.h"
#include "tests/support/seen.h"
#include "tests/support/words.h"

enum { PAGES = 24, KILLS = 4, SEED = 81 };
#define SIZE (PAGES * HUGE_PAGE)

/* A house whose far tier outlives the daemon without help: a file. */
static struct house *with_file(const char *backing, bool managed, bool forget)
{
	struct house_options o = { .backing = backing, .managed = managed, .forget = forget };
	struct house *h = house_prepare(&o);
	char config[512];

	snprintf(config, sizeof(config), "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 32M\n"
		 "[tier far]\nkind = file\npath = %s/far\ncapacity = 256M\n", h->dir);
	house_write_config(h, config);
	house_start(h);
	return h;
}

/* Evictions are under way when the daemon is killed, and asked for again as soon as it is back. */
static void push_out(struct hmm_range *r, unsigned int *seed)
{
	struct hmm_op *op = NULL;

	for (int i = 0; i < 8; i++) {
		size_t page = (size_t)rand_r(seed) % PAGES;

		hmm_range_migrate(r, page * HUGE_PAGE, HUGE_PAGE, "far", 0, i == 7 ? &op : NULL);
	}
	hmm_op_wait(op, PATIENCE_US);
	hmm_op_unref(op);
}

static void kills_under_writers(struct house *h)
{
	struct hmm_client *c = house_client(h, "restart", 0);
	unsigned int seed = SEED;
	static struct churn churn;
	struct hmm_range *r = NULL;
	struct seen seen = { 0 };
	uint64_t writes = 0, bad;

	assert_int_equal(hmm_client_set_event_handler(c, seen_note, &seen), 0);
	assert_int_equal(hmm_alloc(c, SIZE, NULL, &r), 0);
	churn_begin(&churn, r);
	for (unsigned int i = 0; i < KILLS; i++) {
		push_out(r, &seed);
		hmm_range_migrate(r, 0, 0, "far", 0, NULL);
		pause_us((uint64_t)rand_r(&seed) % 20000);	/* anywhere in the middle of it */
		house_kill(h);
		house_start(h);
		assert_soon(atomic_load(&seen.reconnected) == i + 1);
	}
	push_out(r, &seed);
	bad = churn_end(&churn, &writes);
	if (bad || atomic_load(&seen.lost))
		house_show_log(h);
	printf("# %llu checked writes over %d kills, %llu bad words\n", (unsigned long long)writes, KILLS,
	       (unsigned long long)bad);
	assert_int_equal(bad, 0);
	assert_int_equal(atomic_load(&seen.lost), 0);
	assert_int_equal(ask_status(c, "lost_pages"), 0);
	assert_int_equal(ask_status(c, "ranges"), 1);
	assert_soon(ask_sum(c, "tiers", "used") == SIZE);
	assert_int_equal(hmm_range_free(r), 0);
	assert_int_equal(ask_sum(c, "tiers", "used"), 0);
	hmm_client_unref(c);
	assert_soon(count_files(h->state, ".ledger") == 0);
	house_close(h);
}

static void nothing_is_lost_with_the_fd_store(void **state)
{
	const char *missing = house_backing_missing(*state);
	struct house_options o = { .backing = *state, .managed = true };

	if (missing)
		skip_because("%s", missing);
	kills_under_writers(house_open(&o));
}

static void a_crash_under_an_older_systemd(void **state)
{
	const char *missing = house_backing_missing(*state);
	struct house_options o = { .backing = *state, .managed = true, .old = true };

	if (missing)
		skip_because("%s", missing);
	kills_under_writers(house_open(&o));
}

static void nothing_is_lost_without_it(void **state)
{
	const char *missing = house_backing_missing(*state);

	if (missing)
		skip_because("%s", missing);
	kills_under_writers(with_file(*state, true, true));
}

static void a_lone_daemon_does_it_too(void **state)
{
	const char *missing = house_backing_missing(*state);

	if (missing)
		skip_because("%s", missing);
	kills_under_writers(with_file(*state, false, false));
}

/* Nobody keeps anything for this one but itself. */
static void a_lone_daemon_keeps_its_memory_device(void **state)
{
	struct house_options o = { .backing = *state };
	const char *missing = house_backing_missing(*state);

	if (missing)
		skip_because("%s", missing);
	kills_under_writers(house_open(&o));
}

/* As a daemon would. -1: there is no keeper. */
static int call_keeper(const struct house *h)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_in_range(snprintf(a.sun_path, sizeof(a.sun_path), "%s/keeper", h->state), 1, sizeof(a.sun_path) - 1);
	assert_true(sock >= 0);
	if (connect(sock, (struct sockaddr *)&a, sizeof(a)) == 0)
		return sock;
	assert_true(errno == ENOENT || errno == ECONNREFUSED);
	close(sock);
	return -1;
}

static int keepers(const struct house *h)
{
	int sock = call_keeper(h);

	if (sock < 0)
		return 0;
	close(sock);
	return 1;
}

static void empty_keeper(const struct house *h)
{
	struct keeper_packet p;
	int sock = call_keeper(h);

	do	/* what is unread when a socket is closed would take the last word along */
		assert_int_equal(recv(sock, &p, sizeof(p), 0), sizeof(p));
	while (p.verb != KEEPER_ALL);
	p.verb = KEEPER_FORGET;
	assert_int_equal(send(sock, &p, sizeof(p), 0), sizeof(p));
	close(sock);
	assert_soon(keepers(h) == 0);
}

/* A program in its house that has memory on the device until it is killed. */
static pid_t tenant(const struct house *h)
{
	struct hmm_client_options co = HMM_CLIENT_OPTIONS_INIT;
	struct hmm_client *c = NULL;
	struct hmm_range *r = NULL;
	pid_t pid = fork();

	if (pid)
		return pid;
	co.socket_path = h->socket;
	if (hmm_client_new(&c, &co) < 0 || hmm_alloc(c, 4 * HUGE_PAGE, NULL, &r) < 0)
		_exit(1);
	memset(hmm_range_addr(r), 1, hmm_range_size(r));
	for (;;)
		pause();
}

static void the_keeper_ends_with_its_owners(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	pid_t pid = tenant(h);

	(void)state;
	assert_soon(count_files(h->state, ".ranges") == 1);
	house_kill(h);
	assert_int_equal(keepers(h), 1);	/* a program lives that wants its pages */
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_soon(keepers(h) == 0);
	house_start(h);
	house_kill(h);
	assert_soon(keepers(h) == 0);		/* nobody had anything */
	house_start(h);
	assert_int_equal(keepers(h), 1);
	house_stop(h);
	assert_soon(keepers(h) == 0);		/* an orderly end leaves nothing behind */
	house_remove(h);
}

/* In the keeper's place, and of another version. */
static void pose_as_keeper(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct keeper_packet p = { .version = KEEPER_VERSION + 1, .verb = KEEPER_ALL };
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), daemon;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	strcpy(a.sun_path, path);
	if (bind(sock, (struct sockaddr *)&a, sizeof(a)) || listen(sock, 1))
		_exit(1);
	while ((daemon = accept(sock, NULL, NULL)) >= 0)
		send(daemon, &p, sizeof(p), MSG_NOSIGNAL);
	_exit(1);
}

/* Its only device is a file, and what it is asked to put there it keeps in memory. */
static struct house *dry_house(void)
{
	struct house *h = house_prepare(&(struct house_options){ .args = { "--dry-run" } });
	char config[512];

	snprintf(config, sizeof(config), "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 32M\n[tier far]\nkind = file\n"
		 "path = %s/disk\ncapacity = 64M\n[policy default]\nengine = static\ntrack = no\n", h->dir);
	house_write_config(h, config);
	house_start(h);
	return h;
}

/* What it may have is not started without, and is there when it can be spoken to. The next daemon is no dry run. */
static void not_understood(struct house *h)
{
	struct hmm_client *c = house_client(h, "keeper", HMM_CLIENT_KEEP_WAITING);
	char path[100], aside[sizeof(path) + 8];
	struct hmm_range *r = NULL;
	pid_t pid;

	assert_in_range(snprintf(path, sizeof(path), "%s/keeper", h->state), 1, sizeof(path) - 1);
	snprintf(aside, sizeof(aside), "%s.aside", path);
	assert_int_equal(hmm_alloc(c, 4 * HUGE_PAGE, NULL, &r), 0);
	words_fill(hmm_range_addr(r), 4 * HUGE_PAGE, SEED);
	move_all(r, 0, 0, "far");
	house_kill(h);
	h->options.args[0] = NULL;
	assert_int_equal(rename(path, aside), 0);
	pid = fork();
	if (!pid)
		pose_as_keeper(path);
	assert_soon(keepers(h) == 1);
	assert_false(house_try(h));
	assert_true(house_logged(h, "it is of another version of hmmd"));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(rename(aside, path), 0);
	house_start(h);
	assert_int_equal(words_bad(hmm_range_addr(r), 4 * HUGE_PAGE, SEED), 0);
	hmm_client_unref(c);
	house_close(h);
}

static void a_keeper_that_is_not_understood(void **state)
{
	(void)state;
	not_understood(house_open(&(struct house_options){ .config = HOUSE_QUIET }));
}

static void a_keeper_of_a_dry_run_that_is_not_understood(void **state)
{
	(void)state;
	not_understood(dry_house());
}

/* What only the dead daemon had is reported and never read as zeros; the rest is intact. */
static void what_is_gone_is_said(void **state)
{
	/* Quiet, or a page that was sent away may be back before the daemon is killed. */
	struct house_options o = { .config = HOUSE_QUIET, .managed = true, .forget = true };
	struct house *h = house_open(&o);
	struct hmm_client *c = house_client(h, "restart", 0);
	uint8_t tiers[PAGES];
	struct hmm_range *r = NULL;
	struct seen seen = { 0 };
	size_t lost = 0;

	(void)state;
	assert_int_equal(hmm_client_set_event_handler(c, seen_note, &seen), 0);
	assert_int_equal(hmm_alloc(c, 4 * HUGE_PAGE, NULL, &r), 0);
	words_fill(hmm_range_addr(r), 4 * HUGE_PAGE, SEED);
	move_all(r, 2 * HUGE_PAGE, 0, "far");
	house_kill(h);
	empty_keeper(h);
	house_start(h);
	assert_soon(atomic_load(&seen.reconnected) == 1);
	assert_soon(atomic_load(&seen.lost) > 0);
	assert_int_equal(hmm_range_residency(r, 0, 4 * HUGE_PAGE, tiers), 0);
	for (int i = 0; i < 4; i++)
		lost += tiers[i] == HMM_TIER_LOST;
	assert_int_equal(lost, 2);
	assert_int_equal(words_bad(hmm_range_addr(r), 2 * HUGE_PAGE, SEED), 0);
	assert_int_equal(hmm_range_free(r), 0);
	hmm_client_unref(c);
	house_close(h);
}

/* An orderly restart: SIGTERM, then a new daemon. Adopted ranges are sent again, too. */
static void an_orderly_restart_keeps_all(void **state)
{
	struct house_options o = { .backing = *state, .managed = true };
	const char *missing = house_backing_missing(*state);
	struct hmm_client *c;
	struct hmm_range *r = NULL;
	struct seen seen = { 0 };
	struct house *h;
	int status;

	if (missing)
		skip_because("%s", missing);
	h = house_open(&o);
	c = house_client(h, "restart", 0);
	assert_int_equal(hmm_client_set_event_handler(c, seen_note, &seen), 0);
	assert_int_equal(hmm_alloc(c, SIZE, NULL, &r), 0);
	words_fill(hmm_range_addr(r), SIZE, SEED);
	move_all(r, 0, SIZE / 2, "far");
	status = house_stop(h);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	house_start(h);
	assert_soon(atomic_load(&seen.reconnected) == 1);
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	move_all(r, 0, SIZE / 2, "far");
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	assert_int_equal(atomic_load(&seen.lost), 0);
	hmm_client_unref(c);
	assert_soon(count_files(h->state, ".ledger") == 0);
	house_close(h);
}

/* The client died while no daemon was there: the next one finds its ledger and cleans up after it. */
static void a_client_that_died_meanwhile_is_swept(void **state)
{
	struct house_options o = { .managed = true };
	struct house *h = house_open(&o);
	struct hmm_client *watch;
	pid_t pid = tenant(h);

	(void)state;
	assert_soon(manager_stored_named(h->manager, "m") == 1);
	house_kill(h);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	house_start(h);
	watch = house_client(h, "watch", HMM_CLIENT_NO_HELPER);
	assert_soon(manager_stored_named(h->manager, "m") == 0);
	assert_soon(manager_stored_named(h->manager, "u") == 0);
	assert_soon(ask_sum(watch, "tiers", "used") == 0);
	hmm_client_unref(watch);
	assert_soon(count_files(h->state, ".ledger") == 0);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PER_BACKING(nothing_is_lost_with_the_fd_store),
		{ "a_crash_under_an_older_systemd", a_crash_under_an_older_systemd, NULL, NULL, (void *)"small" },
		PER_BACKING(nothing_is_lost_without_it),
		PER_BACKING(a_lone_daemon_does_it_too),
		PER_BACKING(a_lone_daemon_keeps_its_memory_device),
		cmocka_unit_test(the_keeper_ends_with_its_owners),
		cmocka_unit_test(a_keeper_that_is_not_understood),
		cmocka_unit_test(a_keeper_of_a_dry_run_that_is_not_understood),
		cmocka_unit_test(what_is_gone_is_said),
		PER_BACKING(an_orderly_restart_keeps_all),
		cmocka_unit_test(a_client_that_died_meanwhile_is_swept),
	};

	return cmocka_run_group_tests_name("restart", tests, NULL, NULL);
}
