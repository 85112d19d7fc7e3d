// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rpc_vs_raw: a small request through the library (hmm_range_advise of one page with advice that only
 * sets a number, no helper thread) over one round trip of a packet of the same size between two
 * processes that do nothing but recv() and send() on a SOCK_SEQPACKET socket pair. Medians of batches.
 * floor_ping_by_hand: the same daemon asked with a Ping packed by hand, without the library.
 *
 * register_100k_ranges_s: seconds for hmm_register_many() of 100,000 ranges.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/measure.h"
#include "tests/support/house.h"
#include "tests/support/rawpeer.h"
#include "tests/support/test.h"

enum { BATCH = 2000, PACKET = 40, RANGES = 100000, REGISTER_ROUNDS = 3, PAGE = 4096 };

static void echo(int fd)
{
	char packet[256];
	ssize_t n;

	while ((n = recv(fd, packet, sizeof(packet), 0)) > 0)
		if (send(fd, packet, (size_t)n, 0) != n)
			break;
	_exit(0);
}

static double raw_us(int fd)
{
	char packet[PACKET] = { 0 };
	double start = measure_now_us();

	for (int i = 0; i < BATCH; i++)
		if (send(fd, packet, sizeof(packet), 0) != sizeof(packet) || recv(fd, packet, sizeof(packet), 0) <= 0)
			fail_msg("the echo is gone");
	return (measure_now_us() - start) / BATCH;
}

static double library_us(struct hmm_range *r)
{
	double start = measure_now_us();

	for (int i = 0; i < BATCH; i++)
		if (hmm_range_advise(r, 0, HUGE_PAGE, HMM_ADVICE_RANDOM, 0))
			fail_msg("advice refused");
	return (measure_now_us() - start) / BATCH;
}

static double by_hand_us(struct rawpeer *p)
{
	double start = measure_now_us();

	for (int i = 0; i < BATCH; i++)
		if (rawpeer_ping(p))
			fail_msg("ping refused");
	return (measure_now_us() - start) / BATCH;
}

static void rpc(struct house *h, int fd)
{
	struct hmm_client *c = house_client(h, "bench", HMM_CLIENT_NO_HELPER);
	struct rawpeer *p = rawpeer_open(h->socket);
	double library[MEASURE_ROUNDS], hand[MEASURE_ROUNDS];
	struct hmm_range *r = NULL;

	assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &r), 0);
	rawpeer_hello(p);
	for (int i = 0; i < MEASURE_ROUNDS; i++) {
		double raw = raw_us(fd);

		library[i] = library_us(r) / raw;
		hand[i] = by_hand_us(p) / raw;
	}
	measure_print("rpc_vs_raw", measure_median(library, MEASURE_ROUNDS), "ratio");
	measure_print("floor_ping_by_hand", measure_median(hand, MEASURE_ROUNDS), "ratio");
	rawpeer_close(p);
	hmm_client_unref(c);
}

static void registration(struct house *h)
{
	char *memory = mmap(NULL, 2ULL * RANGES * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct hmm_range **ranges = calloc(RANGES, sizeof(struct hmm_range *));
	void **addrs = calloc(RANGES, sizeof(void *));
	size_t *sizes = calloc(RANGES, sizeof(size_t));
	double seconds[REGISTER_ROUNDS];

	assert_true(memory != MAP_FAILED && ranges && addrs && sizes);
	for (size_t i = 0; i < RANGES; i++) {
		addrs[i] = memory + 2 * i * PAGE;
		sizes[i] = PAGE;
	}
	for (int i = 0; i < REGISTER_ROUNDS; i++) {
		struct hmm_client *c = house_client(h, "bench", 0);
		double start = measure_now_us();

		if (hmm_register_many(c, RANGES, addrs, sizes, NULL, ranges) < 0)
			fail_msg("registration refused");
		seconds[i] = (measure_now_us() - start) / 1e6;
		hmm_client_unref(c);
	}
	measure_print("register_100k_ranges_s", measure_median(seconds, REGISTER_ROUNDS), "s");
	munmap(memory, 2ULL * RANGES * PAGE);
	free(ranges);
	free(addrs);
	free(sizes);
}

int main(void)
{
	struct house *h;
	int pair[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	if (!pid) {
		close(pair[0]);
		echo(pair[1]);
	}
	close(pair[1]);
	h = house_open(NULL);
	rpc(h, pair[0]);
	registration(h);
	house_close(h);
	close(pair[0]);
	waitpid(pid, NULL, 0);
	return 0;
}
