/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmocka with what it wants included first, and the two things every test here needs on top: waiting
 * for a condition with a deadline (never a sleep that hopes), and leaving a test out with the reason said.
 * Outside a test, as in the benchmarks, a failed assertion ends the program with its message.
 */
#ifndef HMMD_TESTS_SUPPORT_TEST_H
#define HMMD_TESTS_SUPPORT_TEST_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#define MiB (1ULL << 20)
#define HUGE_PAGE (2 * MiB)

/* How long anything that ends by itself may take before the test calls it hung: generous, for sanitizers. */
#define PATIENCE_US 120000000ULL

static inline uint64_t clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static inline void pause_us(uint64_t us)
{
	struct timespec t = { (time_t)(us / 1000000), (long)(us % 1000000) * 1000 };

	nanosleep(&t, NULL);
}

/* Looks at the condition every millisecond until it holds; false when patience is at its end. */
#define WAIT_UNTIL(condition) ({					\
	uint64_t end_ = clock_us() + PATIENCE_US;			\
	bool holds_;							\
	while (!(holds_ = (condition)) && clock_us() < end_)		\
		pause_us(1000);						\
	holds_;								\
})
#define assert_soon(condition) do {					\
	if (!WAIT_UNTIL(condition))					\
		fail_msg("never came true: %s", #condition);		\
} while (0)

/*
 * For threads that touch managed memory: cmocka's handler ends the program with status 255 and not a word when
 * a thread other than the test's gets SIGBUS or SIGSEGV. One that is blocked cannot be put off: the kernel ends
 * the program by it, and the runner says which it was.
 */
static inline void die_by_own_signal(void)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGBUS);
	sigaddset(&s, SIGSEGV);
	pthread_sigmask(SIG_BLOCK, &s, NULL);
}

/* Leaves the test out; the runner takes the reason from the comment line. */
#define skip_because(...) do {						\
	printf("# " __VA_ARGS__);					\
	printf("\n");							\
	fflush(stdout);							\
	skip();								\
} while (0)

#endif
