// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hmmd as it is installed, under a real systemd: activation, work of clients of several users, restarts and
 * deaths under load, the end. The tests are one story: each begins with the service as the one before left it.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/churn.h"
#include "tests/support/move.h"
#include "tests/support/seen.h"
#include "tests/support/words.h"
#include "tests/vm/programs/patience.h"
#include "tests/vm/programs/unit.h"
#include "tests/vm/programs/work.h"

enum { ROUNDS = 3 };
#define AS_NOBODY "setpriv --reuid=65534 --regid=65534 "

/* Nobody has started hmmd.service: the first connection does. */
static void a_connection_starts_the_service(void **state)
{
	struct hmm_client *c;

	(void)state;
	assert_int_equal(unit_run("systemctl start hmmd.socket"), 0);
	assert_true(unit_is("ActiveState", "inactive"));
	c = work_client("activation");
	assert_true(unit_is("ActiveState", "active"));
	assert_int_equal(ask_status(c, "pid"), (uint64_t)unit_pid());
	print_message("# status: %s\n", unit_text("StatusText"));
	hmm_client_unref(c);
}

static void clients_work(void **state)
{
	(void)state;
	work_through("far");
	work_through("disk");
	work_is_seen();
}

static void unprivileged_work(void **state)
{
	(void)state;
	assert_int_not_equal(getuid(), 0);
	work_through("far");
	work_in_kernel();
	work_is_seen();
}

/* This program again, as a user with no right at all. */
static void an_unprivileged_client_works(void **state)
{
	int status = unit_run(AS_NOBODY "--clear-groups /proc/%d/exe unprivileged >/tmp/unprivileged 2>&1", (int)getpid());

	(void)state;
	assert_int_equal(unit_run("sed 's/^/# /' /tmp/unprivileged"), 0);
	assert_int_equal(status, 0);
}

static void the_tools_work(void **state)
{
	(void)state;
	assert_int_equal(unit_run("hmmctl status | sed 's/^/# /'"), 0);
	assert_int_equal(unit_run("hmmctl status >/dev/null"), 0);
	assert_int_equal(unit_run("hmmctl doctor | sed 's/^/# /'"), 0);
	assert_int_equal(unit_run("hmmctl --json tiers | grep -q '\"far\"'"), 0);
	/* Who is neither root nor in the group may look, but not control. */
	assert_int_equal(unit_run(AS_NOBODY "--clear-groups hmmctl status >/dev/null"), 0);
	assert_int_equal(unit_run(AS_NOBODY "--clear-groups hmmctl reload 2>/dev/null"), 1);
	assert_int_equal(unit_run(AS_NOBODY "--groups=hmm hmmctl reload >/dev/null"), 0);
	assert_int_equal(unit_run("systemctl reload hmmd"), 0);
}

/* Writers, and somebody who asks for evictions all the time. */
struct load {
	struct hmm_client *client;
	struct hmm_range *range;
	struct churn churn;
	struct seen seen;
	_Atomic bool stop;
	pthread_t pusher;
};

static void *push(void *arg)
{
	struct load *l = arg;
	unsigned int seed = 1;

	while (!atomic_load(&l->stop)) {
		struct hmm_op *op = NULL;

		/* While no daemon is there both say so at once. */
		if (!hmm_range_migrate(l->range, (size_t)(rand_r(&seed) % WORK_PAGES) * HUGE_PAGE, HUGE_PAGE, "far", 0, &op))
			hmm_op_wait(op, PATIENCE_US);
		else
			pause_us(1000);
		hmm_op_unref(op);
	}
	return NULL;
}

static void load_begin(struct load *l)
{
	*l = (struct load){ .client = work_client("load") };
	assert_int_equal(hmm_client_set_event_handler(l->client, seen_note, &l->seen), 0);
	l->range = work_range(l->client);
	churn_begin(&l->churn, l->range);
	assert_int_equal(pthread_create(&l->pusher, NULL, push, l), 0);
	vm_soon(ask_status(l->client, "evicted_bytes") > 0);
}

/* It took the ranges over, and evicts again. */
static bool is_served(struct load *l, unsigned int reconnected)
{
	uint64_t evicted;

	if (atomic_load(&l->seen.reconnected) < reconnected)
		return false;
	evicted = ask_status(l->client, "evicted_bytes");
	return evicted != ASK_EMPTY && evicted > 0;
}

static void load_end(struct load *l, const char *what)
{
	uint64_t writes, bad;

	atomic_store(&l->stop, true);
	pthread_join(l->pusher, NULL);
	bad = churn_end(&l->churn, &writes);
	print_message("# %s: %llu checked writes, %llu words wrong, %u times connected again, %u lost\n", what,
		      (unsigned long long)writes, (unsigned long long)bad, atomic_load(&l->seen.reconnected),
		      atomic_load(&l->seen.lost));
	assert_int_equal(bad, 0);
	assert_true(writes > 0);
	assert_int_equal(atomic_load(&l->seen.lost), 0);
	assert_int_equal(ask_status(l->client, "lost_pages"), 0);
	assert_int_equal(hmm_range_free(l->range), 0);
	hmm_client_unref(l->client);
}

static void a_restart_under_load_loses_nothing(void **state)
{
	static struct load l;

	(void)state;
	load_begin(&l);
	for (unsigned int i = 1; i <= ROUNDS; i++) {
		pid_t before = unit_pid();

		assert_int_equal(unit_run("systemctl restart hmmd"), 0);
		assert_true(unit_is_back(before));
		vm_soon(is_served(&l, i));
	}
	assert_int_equal(unit_number("NRestarts"), 0);	/* systemd counts only those it decided on itself */
	load_end(&l, "restart");
}

static void a_kill_under_load_loses_nothing(void **state)
{
	static struct load l;
	unsigned long before = unit_number("NRestarts");

	(void)state;
	load_begin(&l);
	for (unsigned int i = 1; i <= ROUNDS; i++) {
		pid_t pid = unit_pid();

		assert_int_equal(kill(pid, SIGKILL), 0);
		vm_soon(unit_is_back(pid));
		vm_soon(is_served(&l, i));
		assert_int_equal(unit_number("NRestarts") - before, i);
	}
	print_message("# %lu descriptors in the store\n", unit_number("NFileDescriptorStore"));
	assert_true(unit_number("NFileDescriptorStore") >= 2);
	load_end(&l, "kill -9");
}

/* A daemon that stands still is replaced by the watchdog; nobody else would notice. */
static void the_watchdog_replaces_a_daemon_that_hangs(void **state)
{
	static struct load l;
	unsigned long before;
	pid_t pid;

	(void)state;
	print_message("# watchdog %s\n", unit_text("WatchdogUSec"));
	load_begin(&l);
	before = unit_number("NRestarts");
	pid = unit_pid();
	assert_int_equal(kill(pid, SIGSTOP), 0);
	vm_soon(unit_is_back(pid));
	assert_int_equal(unit_number("NRestarts"), before + 1);
	vm_soon(is_served(&l, 1));
	load_end(&l, "watchdog");
}

/*
 * In memory or at rest: the store of an enabled service outlives even a stop of the socket. vm.target is what this
 * machine boots to.
 */
static void a_stop_leaves_everything_at_rest(void **state)
{
	struct hmm_client *c = work_client("stop");
	struct hmm_range *r = work_range(c);

	(void)state;
	assert_int_equal(unit_run("systemctl add-wants vm.target hmmd.service"), 0);
	words_fill(hmm_range_addr(r), WORK_SIZE, 3);
	move_all(r, 0, WORK_SIZE / 2, "far");
	move_all(r, WORK_SIZE / 2, WORK_SIZE / 4, "disk");
	assert_int_equal(unit_run("systemctl stop hmmd.socket hmmd"), 0);
	print_message("# stopped: %s\n", unit_text("SubState"));
	print_message("# %s descriptors in the store\n", unit_text("NFileDescriptorStore"));
	assert_true(unit_is("SubState", "dead-resources-pinned"));
	assert_true(unit_is("Result", "success"));
	assert_int_equal(unit_number("ExecMainStatus"), 0);
	assert_int_equal(unit_number("MainPID"), 0);
	/* What rests on a device that outlives the daemon is waited for; a new one brings it. */
	assert_int_equal(unit_run("systemctl start hmmd.socket hmmd"), 0);
	assert_int_equal(words_bad(hmm_range_addr(r), WORK_SIZE, 3), 0);
	assert_int_equal(hmm_range_free(r), 0);
	hmm_client_unref(c);
}

/* What hmmd's events say is found by their field. */
static void the_journal_has_fields(void **state)
{
	char line[256];

	(void)state;
	assert_int_equal(unit_run("journalctl --sync"), 0);
	unit_line(line, sizeof(line), "journalctl -u hmmd -o cat --output-fields=MESSAGE -n 1 HMMD_EVENT=1");
	print_message("# HMMD_EVENT=1: %s\n", line);
	assert_string_not_equal(line, "");
	unit_line(line, sizeof(line), "journalctl -u hmmd -o cat | wc -l");
	assert_true(strtoul(line, NULL, 10) > 0);
	print_message("# %s lines of the service in the journal\n", line);
	/* Nothing was refused by the sandbox without hmmd saying what is lost. */
	unit_run("journalctl -u hmmd -o cat -p warning | sed 's/^/# hmmd: /'");
}

static void the_unit_is_closed(void **state)
{
	char line[256];

	(void)state;
	unit_line(line, sizeof(line), "systemd-analyze security --no-pager hmmd.service | tail -n 1");
	print_message("# %s\n", line);
	assert_int_equal(unit_run("systemd-analyze security --no-pager --threshold=20 hmmd.service >/dev/null"), 0);
}

static int run_unprivileged(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(unprivileged_work) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_starts_the_service),
		cmocka_unit_test(clients_work),
		cmocka_unit_test(an_unprivileged_client_works),
		cmocka_unit_test(the_tools_work),
		cmocka_unit_test(a_restart_under_load_loses_nothing),
		cmocka_unit_test(a_kill_under_load_loses_nothing),
		cmocka_unit_test(the_watchdog_replaces_a_daemon_that_hangs),
		cmocka_unit_test(a_stop_leaves_everything_at_rest),
		cmocka_unit_test(the_journal_has_fields),
		cmocka_unit_test(the_unit_is_closed),
	};

	if (argc > 1 && !strcmp(argv[1], "unprivileged"))
		return run_unprivileged();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
