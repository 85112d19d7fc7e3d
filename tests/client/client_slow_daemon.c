// SPDX-License-Identifier: GPL-2.0-or-later
/* A daemon that does not read for a while costs time only; one that never answers is given up. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/client/fake.h"

enum { THREADS = 12, RANGES = HMM_LIMIT_BATCH };

static void be_silent(struct fake *f, bool silent)
{
	uint64_t one = 1;

	FAKE_SET(f, silent, silent);
	assert_int_equal(write(f->wake, &one, sizeof(one)), sizeof(one));
}

struct job {
	struct hmm_client *client;
	unsigned int number;
	bool started;
	int result;
};

/* A frame of about 60 KiB. */
static void *register_many(void *userdata)
{
	struct job *job = userdata;
	char *base = mmap(NULL, RANGES * (HUGE_PAGE << 4), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	void **addrs = calloc(RANGES, sizeof(*addrs));
	size_t *sizes = calloc(RANGES, sizeof(*sizes));
	struct hmm_range **ranges = calloc(RANGES, sizeof(*ranges));

	for (size_t i = 0; i < RANGES; i++) {
		addrs[i] = base + i * (HUGE_PAGE << 4);
		sizes[i] = HUGE_PAGE << 3;
	}
	__atomic_store_n(&job->started, true, __ATOMIC_RELEASE);
	job->result = hmm_register_many(job->client, RANGES, addrs, sizes, NULL, ranges);
	munmap(base, RANGES * (HUGE_PAGE << 4));
	free(addrs);
	free(sizes);
	free(ranges);
	return NULL;
}

/* More than the socket holds: the callers wait for room, and all are answered in the end. */
static void a_full_socket(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, 0);
	struct job jobs[THREADS];
	pthread_t threads[THREADS];

	be_silent(f, true);
	for (unsigned int i = 0; i < THREADS; i++) {
		jobs[i] = (struct job){ .client = c, .number = i, .result = 1 };
		assert_int_equal(pthread_create(&threads[i], NULL, register_many, &jobs[i]), 0);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		assert_soon(__atomic_load_n(&jobs[i].started, __ATOMIC_ACQUIRE));
	pause_us(200000);
	be_silent(f, false);
	for (unsigned int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(jobs[i].result, 0);
	}
	assert_int_equal(fake_count(f, HMMD__MESSAGE__KIND_REGISTER), THREADS);
	hmm_client_unref(c);
}

static void no_answer_at_all(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, HMM_CLIENT_NO_HELPER);
	uint64_t start_us = clock_us();
	size_t n;

	be_silent(f, true);
	assert_int_equal(hmm_tiers(c, NULL, 0, &n), -ETIMEDOUT);
	assert_true(clock_us() - start_us >= 9000000);
	/* Whatever it may still do with that request: it does it on a connection that is gone. */
	assert_int_equal(hmm_tiers(c, NULL, 0, &n), -ENOTCONN);
	be_silent(f, false);
	assert_soon(hmm_client_process(c) == 0);
	assert_int_equal(hmm_tiers(c, NULL, 0, &n), 0);
	hmm_client_unref(c);
}

static void *connect_client(void *f)
{
	return fake_client(f, HMM_CLIENT_NO_HELPER);
}

/* Connections that nobody has taken yet, until no more fit. */
static size_t fill_backlog(struct fake *f, int *socks, size_t n)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, f->path);
	for (size_t i = 0; i < n; i++) {
		socks[i] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (connect(socks[i], (struct sockaddr *)&address, sizeof(address)) < 0) {
			assert_int_equal(errno, EAGAIN);
			close(socks[i]);
			return i;
		}
		/* The fake takes one; from here on it takes no more. */
		if (i == 0)
			assert_soon(FAKE_GET(f, conn) >= 0);
	}
	fail_msg("the backlog takes %zu connections", n);
	return n;
}

/*
 * So many programs at once that the daemon has not taken all of them yet: they wait for their turn.
 */
static void a_full_backlog(void **state)
{
	struct fake *f = *state;
	int socks[64];
	size_t n = fill_backlog(f, socks, sizeof(socks) / sizeof(socks[0]));
	pthread_t thread;
	void *client;

	assert_int_equal(pthread_create(&thread, NULL, connect_client, f), 0);
	pause_us(100000);
	for (size_t i = 0; i < n; i++)
		close(socks[i]);
	assert_int_equal(pthread_join(thread, &client), 0);
	hmm_client_unref(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_TEST(a_full_backlog),
		FAKE_TEST(a_full_socket),
		FAKE_TEST(no_answer_at_all),
	};

	return cmocka_run_group_tests_name("client_slow_daemon", tests, NULL, NULL);
}
