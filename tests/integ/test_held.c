// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A client that holds its own locks for long holds up nobody but itself: neither the loop nor the threads of
 * other users wait for it. What is looked at is the order of events, never how long they take.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/sockios.h>

#include "daemon/io/crew_threads.h"
#include "tests/support/backing.h"
#include "tests/support/other.h"
#include "tests/support/rawpeer.h"
#include "tests/support/words.h"

enum { ROUNDS = 60, LONGER = 24, PIECES = 128, PAGES = 4, SOMEBODY = 1234 };
#define PIECE (64 * MiB)

/* Between a program that holds its lock and the test. */
struct held {
	_Atomic unsigned int begun, ended;	/* holds of the lock */
	_Atomic unsigned int ready;		/* who cuts, or watches, is there */
	_Atomic unsigned int cut;		/* the hold in which the connection was ended */
	_Atomic bool ask, taken;		/* its request: is to be sent, was read by hmmd */
	_Atomic int file;			/* that of its range */
};

static struct held *held_new(void)
{
	struct held *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(s, MAP_FAILED);
	return s;
}

/* Many mappings of one small file, their page tables filled: a change of all their rights takes long. */
static void *much_to_protect(size_t pieces)
{
	int file = memfd_create("held", 0);
	uint8_t *all = mmap(NULL, pieces * PIECE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_int_equal(ftruncate(file, PIECE), 0);
	for (size_t i = 0; i < pieces; i++)
		assert_ptr_equal(mmap(all + i * PIECE, PIECE, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_FIXED | MAP_POPULATE, file, 0), all + i * PIECE);
	close(file);
	return all;
}

static void hold(struct held *s, void *all, size_t pieces)
{
	int rights = atomic_load(&s->begun) & 1 ? PROT_READ | PROT_WRITE : PROT_READ;

	atomic_fetch_add(&s->begun, 1);
	mprotect(all, pieces * PIECE, rights);
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
	all = much_to_protect(PIECES);
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
	hold(s, all, PIECES);
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

/* Until hmmd has read what was sent. The first look is a rehearsal, too. */
static void *watch_request(void *arg)
{
	void **args = arg;
	struct held *s = args[0];
	struct rawpeer *p = args[1];
	int unread;

	ioctl(p->sock, SIOCOUTQ, &unread);
	atomic_store(&s->ready, 1);
	while (!atomic_load(&s->begun))
		;
	do
		ioctl(p->sock, SIOCOUTQ, &unread);
	while (unread);
	atomic_store(&s->taken, true);
	return NULL;
}

static void ask_to_evict(struct rawpeer *p, const struct rawrange *r)
{
	Hmmd__Migrate migrate = HMMD__MIGRATE__INIT;
	RAW_MESSAGE(m, MIGRATE, migrate, &migrate);

	migrate.range = r->id;
	migrate.length = r->size;
	migrate.tier = (char *)(uintptr_t)"far";
	assert_int_equal(rawpeer_send(p, &m, NULL, 0), 0);
}

/* Of another user: asks to evict more pages than there are workers, and takes its lock, which they need. */
static pid_t one_that_asks(const struct house *h, struct held *s, size_t pieces)
{
	static struct rawrange r;
	struct rawpeer *p;
	pthread_t thread;
	void *args[2], *all;
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	all = much_to_protect(pieces);
	assert_int_equal(seteuid(SOMEBODY), 0);
	p = rawpeer_open(h->socket);
	assert_int_equal(seteuid(0), 0);
	rawpeer_hello(p);
	rawpeer_attach(p);
	rawpeer_alloc(p, PAGES, &r);
	rawpeer_map(p, &r);
	for (unsigned int i = 0; i < PAGES; i++)
		*((volatile uint8_t *)r.addr + i * HUGE_PAGE) = 1;
	args[0] = s;
	args[1] = p;
	atomic_store(&s->file, r.file);
	if (pthread_create(&thread, NULL, watch_request, args))
		_exit(1);
	while (!atomic_load(&s->ask) || !atomic_load(&s->ready))
		;
	ask_to_evict(p, &r);
	hold(s, all, pieces);
	pause();
	_exit(0);
}

/* All its threads are when it is reported. */
static void stop_it(const struct house *h)
{
	siginfo_t info;

	assert_int_equal(kill(h->pid, SIGSTOP), 0);
	assert_int_equal(waitid(P_PID, (id_t)h->pid, &info, WSTOPPED), 0);
}

static blkcnt_t blocks(pid_t pid, int file)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, file);
	assert_int_equal(stat(path, &st), 0);
	return st.st_blocks;
}

/* True: a page of another user was moved while the lock kept every page that was to go before it. */
static bool moved_meanwhile(const struct house *h, struct rawpeer *other, const struct rawrange *r, size_t pieces)
{
	struct held *s = held_new();
	pid_t pid = one_that_asks(h, s, pieces);
	blkcnt_t before;
	bool seen;

	assert_soon(atomic_load(&s->ready));
	*(volatile uint8_t *)r->addr = 1;
	assert_true(blocks(getpid(), r->file) > 0);
	stop_it(h);
	before = blocks(pid, atomic_load(&s->file));
	atomic_store(&s->ask, true);
	assert_soon(atomic_load(&s->begun));
	assert_int_equal(kill(h->pid, SIGCONT), 0);
	assert_soon(atomic_load(&s->taken));
	ask_to_evict(other, r);
	assert_soon(blocks(getpid(), r->file) == 0);
	seen = !atomic_load(&s->ended) && blocks(pid, atomic_load(&s->file)) == before;
	assert_soon(blocks(pid, atomic_load(&s->file)) < before);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	munmap(s, sizeof(*s));
	return seen;
}

static __attribute__((unused)) void who_holds_its_lock_holds_up_no_other_user(void **state)
{
	struct rawpeer *other;
	struct rawrange r;
	struct house *h;
	unsigned int i;

	if (geteuid()) {
		skip();
		return;
	}
	h = house_on(state, HOUSE_QUIET);
	other = rawpeer_open(h->socket);
	rawpeer_hello(other);
	rawpeer_attach(other);
	rawpeer_alloc(other, 1, &r);
	rawpeer_map(other, &r);
	for (i = 0; i < LONGER && !moved_meanwhile(h, other, &r, PIECES * (1 + i / 4)); i++)
		;
	assert_true(i < LONGER);
	rawpeer_free(other, &r);
	rawpeer_close(other);
	house_close(h);
}

/* Its own threads evict what another user's fault wants room for. */
static void pages_of_others_make_room(void **state)
{
	enum { MEMORY = 12 /* of 16 that there are */, SEED = 3 };
	struct hmm_range *r = NULL;
	struct hmm_client *c;
	struct other other;
	struct house *h;

	if (geteuid()) {
		skip();
		return;
	}
	h = house_on(state, HOUSE_QUIET);
	other_begin(&other, h, MEMORY * HUGE_PAGE, SEED, SOMEBODY);
	assert_int_equal(other_looks(&other), 0);
	c = house_client(h, "late", 0);
	assert_int_equal(hmm_alloc(c, MEMORY * HUGE_PAGE, NULL, &r), 0);
	for (unsigned int i = 0; i < 3; i++) {
		words_fill(hmm_range_addr(r), MEMORY * HUGE_PAGE, SEED + i);
		assert_int_equal(other_looks(&other), 0);
		assert_int_equal(words_bad(hmm_range_addr(r), MEMORY * HUGE_PAGE, SEED + i), 0);
	}
	other_end(&other);
	hmm_client_unref(c);
	house_close(h);
}

/* More than there are squads, each with a page; together they have more pages than there is memory. */
static void more_users_than_squads_are_served(void **state)
{
	enum { USERS = CREW_SQUADS + 6, ROUNDS_OF_ALL = 3 };
	static struct rawpeer *peers[USERS];
	static struct rawrange ranges[USERS];
	struct house *h;

	if (geteuid()) {
		skip();
		return;
	}
	h = house_on(state, HOUSE_QUIET);
	for (uid_t i = 0; i < USERS; i++) {
		assert_int_equal(seteuid(SOMEBODY + i), 0);
		peers[i] = rawpeer_open(h->socket);
		assert_int_equal(seteuid(0), 0);
		rawpeer_hello(peers[i]);
		rawpeer_attach(peers[i]);
		rawpeer_alloc(peers[i], 1, &ranges[i]);
		rawpeer_map(peers[i], &ranges[i]);
	}
	for (uint64_t round = 0; round < ROUNDS_OF_ALL; round++)
		for (uint64_t i = 0; i < USERS; i++) {
			volatile uint64_t *word = ranges[i].addr;

			assert_int_equal(*word, round ? round * USERS + i : 0);
			*word = (round + 1) * USERS + i;
		}
	for (unsigned int i = 0; i < USERS; i++) {
		rawpeer_free(peers[i], &ranges[i]);
		rawpeer_close(peers[i]);
	}
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PER_BACKING(the_end_of_a_connection_waits_for_no_lock),
#ifndef __SANITIZE_THREAD__	/* it clears the shadow of all these mappings, for longer than the lock is held */
		PER_BACKING(who_holds_its_lock_holds_up_no_other_user),
#endif
		PER_BACKING(pages_of_others_make_room),
		PER_BACKING(more_users_than_squads_are_served),
	};

	return cmocka_run_group_tests_name("held", tests, NULL, NULL);
}
