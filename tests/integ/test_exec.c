// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program connects and calls execve(2), and a child of it keeps the connection. What the pid has then may be a
 * program of somebody else, so the child learns nothing about it, and nothing of it is moved.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/house.h"
#include "tests/support/rawpeer.h"
#include "tests/support/test.h"

/* Every program of this machine has its stack somewhere in there. */
#define LOWEST 0x7ffc00000000ULL
#define AREA (0x7ffffffff000ULL - LOWEST)


/* What the child learned. */
enum told { TOLD_OWN = 1, TOLD_NOTHING, TOLD_UNKNOWN, TOLD_OTHER };
enum when { HELLO_BEFORE, HELLO_AFTER, HELLO_WITHOUT, NO_EXEC };

static uint64_t adopt(struct rawpeer *p)
{
	uint64_t addr = LOWEST, size = AREA;
	Hmmd__Register body = HMMD__REGISTER__INIT;
	RAW_MESSAGE(m, REGISTER, register_, &body);
	Hmmd__Message *answer;

	body.n_addr = body.n_size = 1;
	body.addr = &addr;
	body.size = &size;
	answer = rawpeer_call(p, &m, NULL, 0);
	if (!answer)
		return 0;
	assert_int_equal(answer->kind_case, HMMD__MESSAGE__KIND_REGISTER_REPLY);
	return answer->register_reply->first_range;
}

static enum told wait_done(struct rawpeer *p)
{
	Hmmd__Message *m;

	do
		m = rawpeer_receive(p, (int)(PATIENCE_US / 1000));
	while (m && m->kind_case != HMMD__MESSAGE__KIND_OP_DONE);
	if (!m)
		return TOLD_NOTHING;
	return m->op_done->failed == m->op_done->asked ? TOLD_NOTHING : TOLD_OWN;
}

/* What a move of all of it to the node where it is says about it. */
static enum told look(struct rawpeer *p)
{
	Hmmd__Migrate body = HMMD__MIGRATE__INIT;
	RAW_MESSAGE(m, MIGRATE, migrate, &body);
	int r;

	body.range = adopt(p);
	body.length = AREA;
	body.tier = "dram";
	if (!body.range)
		return TOLD_NOTHING;
	r = rawpeer_refusal(p, &m, NULL, 0);
	if (r)
		return r == EPERM ? TOLD_UNKNOWN : r < 0 ? TOLD_NOTHING : TOLD_OTHER;
	return wait_done(p);
}

/* In the child, which has the connection of its parent. */
static enum told ask(struct rawpeer *p, enum when when, int parent_is_another)
{
	char byte;

	if (read(parent_is_another, &byte, 1) != 1)
		return 0;
	if (when == HELLO_WITHOUT)
		p->image = 0;
	if (when == HELLO_AFTER || when == HELLO_WITHOUT)
		rawpeer_hello(p);
	return look(p);
}

static _Noreturn void be_program(const struct house *h, enum when when, const int *in, const int *go, const int *out,
				 const int *result)
{
	struct rawpeer *p = rawpeer_open(h->socket);
	enum told told;

	if (when == HELLO_BEFORE || when == NO_EXEC)
		rawpeer_hello(p);
	if (fork() == 0) {
		told = ask(p, when, go[0]);
		_exit(write(result[1], &told, sizeof(told)) != sizeof(told));
	}
	close(result[1]);
	dup2(in[0], STDIN_FILENO);
	dup2(out[1], STDOUT_FILENO);
	if (when != NO_EXEC)
		execl("/bin/cat", "cat", (char *)NULL);
	pause();
	_exit(1);
}

/* What a child learned that holds the connection. */
static enum told learns(const struct house *h, enum when when)
{
	int in[2], go[2], out[2], result[2];
	enum told told = 0;
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(go, O_CLOEXEC) | pipe2(out, O_CLOEXEC) | pipe2(result, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		be_program(h, when, in, go, out, result);
	close(result[1]);
	if (when != NO_EXEC) {
		assert_int_equal(write(in[1], "x", 1), 1);
		assert_int_equal(read(out[0], &byte, 1), 1);
		assert_int_equal(byte, 'x');
	}
	assert_int_equal(write(go[1], "x", 1), 1);
	assert_int_equal(read(result[0], &told, sizeof(told)), sizeof(told));
	assert_true(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	for (int i = 0; i < 2; i++) {
		close(in[i]);
		close(go[i]);
		close(out[i]);
	}
	close(result[0]);
	return told;
}

static void own_memory_is_told_about(void **state)
{
	struct house *h = *state;

	assert_int_equal(learns(h, NO_EXEC), TOLD_OWN);
}

static void another_program_s_is_not(void **state)
{
	struct house *h = *state;

	assert_int_equal(learns(h, HELLO_BEFORE), TOLD_NOTHING);
}

/* The kernel has told the pid at connect(2); who is behind it by the time of Hello is another. */
static void nor_if_it_came_before_hello(void **state)
{
	struct house *h = *state;

	assert_int_equal(learns(h, HELLO_AFTER), TOLD_UNKNOWN);
	assert_int_equal(learns(h, HELLO_WITHOUT), TOLD_UNKNOWN);
}

/* It says nothing for ever: the connection ends all the same. */
static void a_silent_child_keeps_no_client(void **state)
{
	struct house *h = *state;
	struct hmm_client *c = house_client(h, "watch", 0);
	int out[2], in[2];
	size_t before = ask_rows(c, "clients", NULL);
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct rawpeer *p = rawpeer_open(h->socket);

		rawpeer_hello(p);
		adopt(p);
		if (fork() == 0)
			_exit(!rawpeer_hung_up(p));
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execl("/bin/cat", "cat", (char *)NULL);
		_exit(1);
	}
	assert_int_equal(write(in[1], "x", 1), 1);
	assert_int_equal(read(out[0], &byte, 1), 1);
	assert_soon(ask_rows(c, "clients", NULL) == before);
	assert_true(waitpid(pid, NULL, WNOHANG) == 0);
	close(in[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(in[0]);
	close(out[0]);
	close(out[1]);
	hmm_client_unref(c);
}

static int open_house(void **state)
{
	const struct house_options o = { .config = HOUSE_QUIET };

	*state = house_open(&o);
	return 0;
}

static int close_house(void **state)
{
	house_close(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_memory_is_told_about),
		cmocka_unit_test(another_program_s_is_not),
		cmocka_unit_test(nor_if_it_came_before_hello),
		cmocka_unit_test(a_silent_child_keeps_no_client),
	};

	return cmocka_run_group_tests_name("exec", tests, open_house, close_house);
}
