// SPDX-License-Identifier: GPL-2.0-or-later
/* The parent: starts each test, waits with a deadline, looks whether the devices are empty again. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/driver/device.h"
#include "tests/driver/tap.h"

enum { FAILED = 1, SKIPPED = 77 };

_Noreturn void tap_fail(const char *file, int line, const char *format, ...)
{
	char text[512];
	va_list rest;

	va_start(rest, format);
	vsnprintf(text, sizeof(text), format, rest);
	va_end(rest);
	printf("# %s:%d: %s\n", file, line, text);
	fflush(stdout);
	_exit(FAILED);
}

_Noreturn void tap_skip(const char *reason)
{
	printf("# skipped: %s\n", reason);
	fflush(stdout);
	_exit(SKIPPED);
}

unsigned int tap_seconds(unsigned int otherwise)
{
	const char *s = getenv("HMM_TEST_SECONDS");

	return s ? (unsigned int)strtoul(s, NULL, 10) : otherwise;
}

uint64_t tap_seed(void)
{
	const char *s = getenv("HMM_TEST_SEED");
	uint64_t seed = s ? strtoull(s, NULL, 10) : now_ns() | 1;

	printf("# seed %llu\n", (unsigned long long)seed);
	fflush(stdout);
	return seed;
}

uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* What a test leaves running must not touch the next one's devices. */
static void end_group(pid_t group)
{
	kill(-group, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void on_deadline(int signal)
{
	(void)signal;
}

/* The exit status of the test, or -1 when the deadline ended it. */
static int wait_for(pid_t child)
{
	int status;
	pid_t r;

	alarm(TAP_DEADLINE_S);
	r = waitpid(child, &status, 0);
	alarm(0);
	if (r != child) {
		printf("# no end after %d seconds\n", TAP_DEADLINE_S);
		kill(child, SIGKILL);
		return -1;
	}
	if (WIFSIGNALED(status))
		printf("# ended by signal %d (%s)\n", WTERMSIG(status), strsignal(WTERMSIG(status)));
	return WIFEXITED(status) ? WEXITSTATUS(status) : FAILED;
}

static int run_one(const struct test *test)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return FAILED;
	if (!child) {
		setpgid(0, 0);
		test->run();
		fflush(stdout);
		_exit(0);
	}
	setpgid(child, child);	/* both sides: whoever comes first */
	status = wait_for(child);
	end_group(child);
	if (!devices_clear())
		status = FAILED;
	return status;
}

int tap_run(const struct test *tests, size_t n)
{
	struct sigaction deadline = { .sa_handler = on_deadline };
	int failed = 0;

	sigaction(SIGALRM, &deadline, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	printf("1..%zu\n", n);
	for (size_t i = 0; i < n; i++) {
		int status;

		fflush(stdout);
		status = run_one(&tests[i]);
		failed |= status && status != SKIPPED;
		printf("%s %zu - %s%s\n", status && status != SKIPPED ? "not ok" : "ok", i + 1,
		       tests[i].name, status == SKIPPED ? " # SKIP" : "");
	}
	return failed;
}
