/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Touching memory that may raise a signal: int got = sigsetjmp(escape, 1) is 0 before, and then the signal. */
#ifndef HMMD_TESTS_SUPPORT_ESCAPE_H
#define HMMD_TESTS_SUPPORT_ESCAPE_H

#include <setjmp.h>
#include <signal.h>
#include <stddef.h>

static _Thread_local sigjmp_buf escape;

static inline void escape_by(int signal)
{
	siglongjmp(escape, signal);
}

static inline void escape_enable(void)
{
	struct sigaction action = { .sa_handler = escape_by };

	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
}

#endif
