// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Clients that end, stop or misbehave in every way a process can: whatever they held comes back, and
 * the others go on. Each bad client is a child process; it tells through a pipe when it has its memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/rawpeer.h"
#include "tests/support/test.h"
#include "tests/support/watched.h"
#include "tests/support/words.h"

enum { PAGES = 4, SEED = 91 };
#define SIZE (PAGES * HUGE_PAGE)

/* What a peer that does not read may cost the daemon, in KiB; freed memory stays with a sanitizer for a while. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GROWTH_KIB (512 * 1024)
#else
#define GROWTH_KIB (8 * 1024)
#endif

/* In the child: no assertion of the test may run there, only an exit status. */
struct guest {
	struct hmm_client *client;
	struct hmm_range *range;
	int tell;
	bool inherited[256];	/* descriptors of the parent */
};
typedef void guest_fn(struct guest *g);

static void guest_ready(struct guest *g)
{
	if (write(g->tell, "r", 1) != 1)
		_exit(3);
}

static pid_t guest_start(guest_fn *fn)
{
	int pipes[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	fflush(NULL);
	pid = fork();
	if (!pid) {
		struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;
		struct guest g = { .tell = pipes[1] };

		for (int i = 0; i < 256; i++)
			g.inherited[i] = fcntl(i, F_GETFD) >= 0;
		o.socket_path = house->socket;
		o.name = "guest";
		if (hmm_client_new(&g.client, &o) < 0 || hmm_alloc(g.client, SIZE, NULL, &g.range) < 0)
			_exit(2);
		words_fill(hmm_range_addr(g.range), SIZE, SEED);
		fn(&g);
		_exit(0);
	}
	close(pipes[1]);
	assert_true(pid > 0);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	close(pipes[0]);
	return pid;
}

static int guest_end(pid_t pid)
{
	int status = -1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void just_exit(struct guest *g)
{
	guest_ready(g);
	_exit(0);
}

static void one_that_exits(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		guest_end(guest_start(just_exit));
	witness_undisturbed(&witness);
}

static void touch_for_ever(struct guest *g)
{
	volatile char *p = hmm_range_addr(g->range);
	struct hmm_op *op;

	guest_ready(g);
	for (size_t i = 0;; i++) {
		p[i % PAGES * HUGE_PAGE]++;
		op = NULL;
		if (!hmm_range_migrate(g->range, (i + 1) % PAGES * HUGE_PAGE, HUGE_PAGE, "far", 0, &op))
			hmm_op_unref(op);
	}
}

static void one_that_is_killed(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		pid_t pid = guest_start(touch_for_ever);

		pause_us((uint64_t)i * 3000);	/* at another point of its work each time */
		kill(pid, SIGKILL);
		guest_end(pid);
	}
	witness_undisturbed(&witness);
}

/* Stopped in the middle of work: others are served, and it goes on afterwards as if nothing had been. */
static void check_when_continued(struct guest *g)
{
	guest_ready(g);
	raise(SIGSTOP);
	_exit(words_bad(hmm_range_addr(g->range), SIZE, SEED) ? 4 : 0);
}

static void one_that_stops(void **state)
{
	struct hmm_control k = HMM_CONTROL_INIT;
	pid_t pid = guest_start(check_when_continued);
	struct hmm_op *op = NULL;
	int status;

	(void)state;
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	k.verb = HMM_CONTROL_MIGRATE;
	k.pid = pid;
	k.tier = "far";
	assert_int_equal(hmm_control(witness.observer, &k, &op), 0);
	assert_int_equal(hmm_op_wait(op, PATIENCE_US), 0);
	hmm_op_unref(op);
	assert_int_equal(words_bad(hmm_range_addr(witness.range), hmm_range_size(witness.range), 77), 0);
	kill(pid, SIGCONT);
	status = guest_end(pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	witness_undisturbed(&witness);
}

/* The child of a client has neither its memory nor its connection, and the client keeps both. */
static void fork_and_check(struct guest *g)
{
	struct hmm_range *none = NULL;
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		int e = hmm_alloc(g->client, HUGE_PAGE, NULL, &none);

		hmm_client_unref(g->client);
		_exit(e == -ECHILD ? 0 : 5);
	}
	waitpid(pid, &status, 0);
	guest_ready(g);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 6);
	_exit(words_bad(hmm_range_addr(g->range), SIZE, SEED) ? 4 : 0);
}

static void one_that_forks(void **state)
{
	int status = guest_end(guest_start(fork_and_check));

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	witness_undisturbed(&witness);
}

/* The parent ends at once; its child, which inherited nothing, must not keep the client alive. */
static void fork_and_leave(struct guest *g)
{
	if (!fork()) {
		close(g->tell);
		pause_us(300000);
		_exit(0);
	}
	guest_ready(g);
}

static void one_whose_child_lives_on(void **state)
{
	(void)state;
	guest_end(guest_start(fork_and_leave));
	witness_undisturbed(&witness);
}

static void exec_something(struct guest *g)
{
	guest_ready(g);
	execl("/bin/sleep", "sleep", "30", (char *)NULL);
	_exit(7);
}

/* Another program in the same process: the connection and the memory ended at the exec. */
static void one_that_execs(void **state)
{
	pid_t pid = guest_start(exec_something);

	(void)state;
	witness_undisturbed(&witness);
	assert_int_equal(kill(pid, SIGKILL), 0);
	guest_end(pid);
}

static void close_the_socket(struct guest *g)
{
	int fd = hmm_client_get_fd(g->client);

	/* All it has: the library's epoll descriptor, its socket, its userfaultfd, its files. */
	for (int i = 3; i < 256; i++)
		if (i != g->tell && i != fd)
			close(i);
	guest_ready(g);
	pause_us(200000);
	close(fd);
}

static void one_that_closes_everything(void **state)
{
	(void)state;
	guest_end(guest_start(close_the_socket));
	witness_undisturbed(&witness);
}

/* Holes punched by the client read as zeros for it and cost the daemon nothing; a shorter file cannot be had. */
static void one_that_spoils_its_file(void **state)
{
	struct rawpeer *p = rawpeer_open(house->socket);
	struct rawrange r;
	volatile uint64_t *w;

	(void)state;
	rawpeer_hello(p);
	rawpeer_attach(p);
	rawpeer_alloc(p, PAGES, &r);
	rawpeer_map(p, &r);
	words_fill(r.addr, r.size, SEED);
	assert_int_equal(ftruncate(r.file, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(r.file, (off_t)(2 * r.size)), -1);
	assert_int_equal(fallocate(r.file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, HUGE_PAGE, HUGE_PAGE), 0);
	w = (volatile uint64_t *)((char *)r.addr + HUGE_PAGE);
	assert_int_equal(*w, 0);
	*w = 5;
	assert_int_equal(*w, 5);
	assert_int_equal(words_bad(r.addr, HUGE_PAGE, SEED), 0);
	rawpeer_free(p, &r);
	rawpeer_close(p);
	witness_undisturbed(&witness);
}

/* The socket is closed, the process lives: its memory waits for it with its bytes, and goes with the process. */
static void lose_the_socket(struct guest *g)
{
	for (int i = 3; i < 256; i++)
		if (!g->inherited[i])
			shutdown(i, SHUT_RDWR);	/* does nothing to what is no socket */
	for (int i = 0; i < 10; i++)
		if (words_bad(hmm_range_addr(g->range), SIZE, SEED))
			_exit(4);
	guest_ready(g);
}

static void one_that_loses_its_socket(void **state)
{
	int status = guest_end(guest_start(lose_the_socket));

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	witness_undisturbed(&witness);
}

static int migrate_raw(struct rawpeer *p, const struct rawrange *r, const char *tier)
{
	Hmmd__Migrate migrate = HMMD__MIGRATE__INIT;
	RAW_MESSAGE(m, MIGRATE, migrate, &migrate);

	migrate.range = r->id;
	migrate.length = r->size;
	migrate.tier = (char *)tier;
	return rawpeer_refusal(p, &m, NULL, 0);
}

/* Punched and unmapped under a move: every step of the daemon may find nothing there. */
static void one_that_unmaps_under_a_move(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		struct rawpeer *p = rawpeer_open(house->socket);
		struct rawrange r;

		rawpeer_hello(p);
		rawpeer_attach(p);
		rawpeer_alloc(p, PAGES, &r);
		rawpeer_map(p, &r);
		words_fill(r.addr, r.size, SEED);
		assert_int_equal(migrate_raw(p, &r, "far"), 0);
		if (i % 2)
			fallocate(r.file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)r.size);
		munmap(r.addr, r.size);
		r.addr = NULL;
		migrate_raw(p, &r, "dram");
		assert_int_equal(rawpeer_ping(p), 0);
		rawpeer_free(p, &r);
		rawpeer_close(p);
	}
	witness_undisturbed(&witness);
}

/* Asks for listings and never reads: it is held back, then cut off, and costs a bounded amount of memory. */
static void one_that_never_reads(void **state)
{
	struct rawpeer *p = rawpeer_open(house->socket);
	Hmmd__Query query = HMMD__QUERY__INIT;
	RAW_MESSAGE(m, QUERY, query, &query);
	uint64_t before, sent = 0, end = clock_us() + 2000000;

	(void)state;
	rawpeer_hello(p);
	before = count_private_kib(house->pid);
	query.topic = "doctor";
	query.arg = "";
	while (clock_us() < end) {
		size_t size = 0;

		assert_int_equal(frame_pack(++p->id, &m, p->out, sizeof(p->out), &size), 0);
		if (send(p->sock, p->out, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
			break;
		sent++;
	}
	assert_true(sent > 0);
	assert_true(count_private_kib(house->pid) < before + GROWTH_KIB);
	assert_int_equal(words_bad(hmm_range_addr(witness.range), hmm_range_size(witness.range), 77), 0);
	rawpeer_close(p);
	witness_undisturbed(&witness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_exits),
		cmocka_unit_test(one_that_is_killed),
		cmocka_unit_test(one_that_stops),
		cmocka_unit_test(one_that_forks),
		cmocka_unit_test(one_whose_child_lives_on),
		cmocka_unit_test(one_that_execs),
		cmocka_unit_test(one_that_closes_everything),
		cmocka_unit_test(one_that_loses_its_socket),
		cmocka_unit_test(one_that_spoils_its_file),
		cmocka_unit_test(one_that_unmaps_under_a_move),
		cmocka_unit_test(one_that_never_reads),
	};

	return cmocka_run_group_tests_name("bad clients", tests, set_up, tear_down);
}
