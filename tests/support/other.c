// SPDX-License-Identifier: GPL-2.0-or-later
/* It looks at its words when it reads a byte, and says how many are bad. */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/move.h"
#include "tests/support/other.h"
#include "tests/support/test.h"
#include "tests/support/words.h"

struct hmm_range *range_away(struct hmm_client *c, size_t size, uint64_t seed)
{
	struct hmm_range *r = NULL;

	assert_int_equal(hmm_alloc(c, size, NULL, &r), 0);
	fill_to_rest(c, r, seed);
	move_all(r, 0, 0, "far");
	return r;
}

static _Noreturn void be_the_other(const struct house *h, size_t size, uint64_t seed, uid_t uid, const struct other *o)
{
	struct hmm_range *r;
	uint64_t bad = 0;
	char byte;

	if (read(o->ask, &byte, 1) != 1 || (uid && setuid(uid)))
		_exit(2);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	r = range_away(house_client(h, "other", 0), size, seed);
	die_by_own_signal();
	while (write(o->answer, &bad, sizeof(bad)) == sizeof(bad) && read(o->ask, &byte, 1) == 1)
		bad = words_bad(hmm_range_addr(r), size, seed);
	_exit(0);
}

void other_begin(struct other *o, const struct house *h, size_t size, uint64_t seed, uid_t uid)
{
	int ask[2], answer[2];

	assert_int_equal(pipe2(ask, O_CLOEXEC), 0);
	assert_int_equal(pipe2(answer, O_CLOEXEC), 0);
	o->pid = fork();
	assert_true(o->pid >= 0);
	if (!o->pid) {
		close(ask[1]);
		close(answer[0]);
		be_the_other(h, size, seed, uid, &(struct other){ .ask = ask[0], .answer = answer[1] });
	}
	close(ask[0]);
	close(answer[1]);
	o->ask = ask[1];
	o->answer = answer[0];
}

uint64_t other_looks(const struct other *o)
{
	uint64_t bad = UINT64_MAX;

	assert_int_equal(write(o->ask, "a", 1), 1);
	assert_int_equal(read(o->answer, &bad, sizeof(bad)), sizeof(bad));
	return bad;
}

void other_end(struct other *o)
{
	assert_int_equal(kill(o->pid, SIGKILL), 0);
	assert_int_equal(waitpid(o->pid, NULL, 0), o->pid);
	close(o->ask);
	close(o->answer);
}
