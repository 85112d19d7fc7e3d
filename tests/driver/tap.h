/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TAP for programs that run alone in a bare guest, where no library is. Each test runs in a process
 * group of its own with a deadline: a crash, a hang or what it leaves behind is its own failure and
 * nobody else's.
 */
#ifndef HMMD_TESTS_DRIVER_TAP_H
#define HMMD_TESTS_DRIVER_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct test {
	const char *name;
	void (*run)(void);
};

#define TEST(function) { #function, function }
#define TESTS(...)								\
	int main(void)								\
	{									\
		static const struct test tests[] = { __VA_ARGS__ };		\
		return tap_run(tests, sizeof(tests) / sizeof(*tests));		\
	}

/* Runs them one after another. The exit status: 0, or 1 if any failed. */
int tap_run(const struct test *tests, size_t n);
_Noreturn void tap_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
_Noreturn void tap_skip(const char *reason);

#define expect(condition) do {							\
	if (!(condition))							\
		tap_fail(__FILE__, __LINE__, "not true: %s", #condition);	\
} while (0)

#define expect_is(got, wanted) do {						\
	long long got_ = (long long)(got), wanted_ = (long long)(wanted);	\
	if (got_ != wanted_)							\
		tap_fail(__FILE__, __LINE__, "%s is %lld, wanted %s = %lld",	\
			 #got, got_, #wanted, wanted_);				\
} while (0)

/* How long anything that ends by itself may take: an emulated processor, and others beside it. */
enum { TAP_PATIENCE_S = 60 };
/* Seconds for one test: `HMM_TEST_SECONDS` of work in the longest of them, and patience twice. */
enum { TAP_DEADLINE_S = 900 };

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

/* Looks every millisecond until it holds; false when patience is at its end. */
#define soon(condition) ({							\
	uint64_t end_ = now_ns() + TAP_PATIENCE_S * 1000000000ULL;		\
	bool holds_;								\
	while (!(holds_ = (condition)) && now_ns() < end_)			\
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);	\
	holds_;									\
})

/* Seconds that a stress may take: HMM_TEST_SECONDS of the environment, or that many. */
unsigned int tap_seconds(unsigned int otherwise);
/* Where a stress starts: HMM_TEST_SEED of the environment or the clock; printed. */
uint64_t tap_seed(void);
uint64_t random_next(uint64_t *state);	/* xorshift64 */

#endif
