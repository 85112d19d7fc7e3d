// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A client that holds its own locks for long holds up nobody but itself: neither the loop nor the threads of
 * other users wait for it. What is looked at is the order of events, never how long they take.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/backing.h"
#include "tests/support/rawpeer.h"

enum { ROUNDS = 60, PIECES = 128 };
#define PIECE (64 * MiB)

/* Between a program that holds its lock and the test. */
struct held {
	_Atomic unsigned int begun, ended;	/* holds of the lock */
	_Atomic unsigned int ready;		/* who cuts is there */
	_Atomic unsigned int cut;		/* the hold in which the connection was ended */
};

static struct held *held_new(void)
{
	struct held *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(s, MAP_FAILED);
	return s;
}

/* Many mappings of one small file, their page tables filled: a change of all their rights takes long. */
static void *much_to_protect(void)
{
	int file = memfd_create("held", 0);
	uint8_t *all = mmap(NULL, PIECES * PIECE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_int_equal(ftruncate(file, PIECE), 0);
	for (size_t i = 0; i < PIECES; i++)
		assert_ptr_equal(mmap(all + i * PIECE, PIECE, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_FIXED | MAP_POPULATE, file, 0), all + i * PIECE);
	close(file);
	return all;
}

static void hold(struct held *s, void *all)
{
	int rights = atomic_load(&s->begun) & 1 ? PROT_READ | PROT_WRITE : PROT_READ;

	atomic_fetch_add(&s->begun, 1);
	mprotect(all, PIECES * PIECE, rights);
	atomic_store(&s->ended, atomic_load(&s->begun));
}

/*
 * Ends its connection in the middle of its first hold. The first shutdown is a rehearsal: what it touches first,
 * its stack, the linker's tables, a sanitizer's shadow, would be a fault that waits for the lock as well.
 */
static void *cut_in_the_middle(void *arg)
{
	void **args = arg;
	struct held *s = args[0];
	struct rawpeer *p = args[1];

	shutdown(-1, SHUT_RDWR);
	atomic_store(&s->ready, 1);
	while (!atomic_load(&s->begun))
		;
	shutdown(p->sock, SHUT_RDWR);
	atomic_store(&s->cut, 1);
	return NULL;
}

static pid_t one_that_cuts(const struct house *h, struct held *s)
{
	static struct rawrange r;
	pthread_t thread;
	struct rawpeer *p;
	void *args[2], *all;
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	all = much_to_protect();
	p = rawpeer_open(h->socket);
	rawpeer_hello(p);
	rawpeer_attach(p);
	rawpeer_alloc(p, 1, &r);
	rawpeer_map(p, &r);
	args[0] = s;
	args[1] = p;
	if (pthread_create(&thread, NULL, cut_in_the_middle, args))
		_exit(1);
	while (!atomic_load(&s->ready))
		;
	hold(s, all);
	pause();
	_exit(0);
}

/* True: somebody else was answered after the connection had ended and before the lock was free again. */
static bool answered_meanwhile(const struct house *h, struct rawpeer *other)
{
	struct held *s = held_new();
	pid_t pid = one_that_cuts(h, s);
	bool seen;

	assert_soon(atomic_load(&s->cut));
	assert_int_equal(rawpeer_ping(other), 0);
	seen = !atomic_load(&s->ended);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	munmap(s, sizeof(*s));
	return seen;
}

/* The hold must be the longer one, so it is tried until it was. */
static void the_end_of_a_connection_waits_for_no_lock(void **state)
{
	struct house *h = house_on(state, HOUSE_QUIET);
	struct rawpeer *other = rawpeer_open(h->socket);
	unsigned int i;

	rawpeer_hello(other);
	for (i = 0; i < ROUNDS && !answered_meanwhile(h, other); i++)
		;
	assert_true(i < ROUNDS);
	rawpeer_close(other);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PER_BACKING(the_end_of_a_connection_waits_for_no_lock),
	};

	return cmocka_run_group_tests_name("held", tests, NULL, NULL);
}
