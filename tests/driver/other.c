// SPDX-License-Identifier: GPL-2.0-or-later
/* Orders are single bytes through a pipe, each is acknowledged: no test has to guess how far it is. */
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/driver/other.h"
#include "tests/driver/space.h"
#include "tests/driver/tap.h"

static void obey(int orders, int answers, size_t bytes, uint64_t seed)
{
	struct other self = { .fd = space_open(), .at = memory_huge(bytes, seed) };
	char order;

	expect_is(write(answers, &self, sizeof(self)), sizeof(self));
	while (read(orders, &order, 1) == 1 && order != 'x') {
		if (order == 'v')
			expect_words(self.at, bytes, seed);
		else
			close(self.fd);
		expect_is(write(answers, "", 1), 1);
	}
}

struct other other_start(size_t bytes, uint64_t seed)
{
	struct other o, child;
	int orders[2], answers[2], pidfd;

	expect_is(pipe(orders) | pipe(answers), 0);
	o.pid = in_child({
		close(orders[1]);
		obey(orders[0], answers[1], bytes, seed);
	});
	close(orders[0]);
	close(answers[1]);
	o.orders = orders[1];
	o.answers = answers[0];
	expect_is(read(o.answers, &child, sizeof(child)), sizeof(child));
	o.at = child.at;
	pidfd = (int)syscall(SYS_pidfd_open, o.pid, 0);
	expect(pidfd >= 0);
	o.fd = (int)syscall(SYS_pidfd_getfd, pidfd, child.fd, 0);
	expect(o.fd >= 0);
	close(pidfd);
	return o;
}

static void tell(struct other *o, const char *order)
{
	char answer;

	expect_is(write(o->orders, order, 1), 1);
	expect_is(read(o->answers, &answer, 1), 1);
}

void other_check(struct other *o)
{
	tell(o, "v");
}

void other_close(struct other *o)
{
	tell(o, "c");
}

void other_exit(struct other *o)
{
	expect_is(write(o->orders, "x", 1), 1);
	end_child(o->pid);
}

void other_kill(struct other *o)
{
	expect_is(kill(o->pid, SIGKILL), 0);
	expect_is(waitpid(o->pid, NULL, 0), o->pid);
}
