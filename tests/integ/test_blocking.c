// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kernels before 6.10 cannot be asked not to wait in a read of a userfaultfd. A client that takes O_NONBLOCK and its
 * message away at the right moment puts a thread of hmmd to sleep there.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/faulty_device.h"
#include "tests/support/house.h"
#include "tests/support/rawpeer.h"
#include "tests/support/test.h"
#include "tests/support/words.h"

static void *touch(void *at)
{
	(void)*(volatile char *)at;
	return NULL;
}

/* Its fault wakes a thread of hmmd, which finds nothing to read any more, and no O_NONBLOCK. */
static pid_t one_that_blocks(const struct house *h, const struct faulty_switches *f, _Atomic bool *blocked)
{
	static struct rawrange r;
	struct uffd_msg message;
	struct rawpeer *p;
	pthread_t thread;
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	p = rawpeer_open(h->socket);
	rawpeer_hello(p);
	rawpeer_attach(p);
	rawpeer_alloc(p, 1, &r);
	rawpeer_map(p, &r);
	if (pthread_create(&thread, NULL, touch, r.addr))
		_exit(1);
	while (!atomic_load(&f->reads))
		usleep(1000);
	if (read(p->uffd, &message, sizeof(message)) != sizeof(message) ||
	    fcntl(p->uffd, F_SETFL, fcntl(p->uffd, F_GETFL) & ~O_NONBLOCK))
		_exit(1);
	atomic_store(blocked, true);
	pause();
	_exit(0);
}

/* As kernels before 6.10 read. The other client is one of the same user, with the same threads. */
static void who_blocks_a_read_is_left_alone(void **state)
{
	struct house_options o = { .backing = *state, .config = HOUSE_QUIET };
	_Atomic bool *blocked = mmap(NULL, sizeof(*blocked), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct faulty_switches *f;
	struct hmm_range *r = NULL;
	struct hmm_client *c;
	struct house *h;
	char path[64], reason[32] = "";
	pid_t pid;

	assert_true(blocked != MAP_FAILED);
	if (house_backing_missing(o.backing))
		skip_because("%s", house_backing_missing(o.backing));
	f = faulty_switches_new(&o, path);
	h = house_open(&o);
	atomic_store(&f->hold_reads, true);
	atomic_store(&f->old_reads, true);
	pid = one_that_blocks(h, f, blocked);
	assert_soon(atomic_load(blocked));
	atomic_store(&f->hold_reads, false);
	c = house_client(h, "beside", 0);
	assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &r), 0);
	alarm(PATIENCE_US / 1000000);	/* for ever, it would be */
	words_fill(hmm_range_addr(r), HUGE_PAGE, 1);
	alarm(0);
	assert_soon((ask_text(c, "clients", "name", "raw", "waiting_for", reason, sizeof(reason)),
		     strstr(reason, "blocking")));
	hmm_client_unref(c);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	house_close(h);
	faulty_switches_free(f, path);
	munmap((void *)blocked, sizeof(*blocked));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PER_BACKING(who_blocks_a_read_is_left_alone),
	};

	return cmocka_run_group_tests_name("blocking", tests, NULL, NULL);
}
