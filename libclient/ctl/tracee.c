// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Threads may be born while others are being stopped, so all are looked for again until there is none that was not
 * stopped before. A thread that is about to get a signal stops with it, too: it is given to the thread again.
 */
#include "libclient/ctl/tracee.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "libclient/ctl/text.h"

enum { PATIENCE_MS = 10000 };	/* for one thread: one that waits for a disk or a child stops when that is over */

static bool knows(const struct tracee *t, pid_t tid)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->threads[i].tid == tid)
			return true;
	return false;
}

static void forget(struct tracee *t, size_t i)
{
	for (t->n--; i < t->n; i++)
		t->threads[i] = t->threads[i + 1];
}

/* A first thread that has ended before the others cannot be stopped, and has nothing to say. */
static bool is_dead(pid_t pid, pid_t tid)
{
	char path[64], line[256] = "", *after;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid, (int)tid);
	f = fopen(path, "re");
	if (!f)
		return true;
	after = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;	/* of its name */
	fclose(f);
	return after && (after[2] == 'Z' || after[2] == 'X');
}

static int seize(struct tracee *t, pid_t tid)
{
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0)
		return errno == ESRCH || is_dead(t->pid, tid) ? 0 : -errno;
	t->threads = must(realloc(t->threads, (t->n + 1) * sizeof(*t->threads)));
	t->threads[t->n++] = (struct tracee_thread){ .tid = tid };
	(void)ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	return 0;
}

/* Those that are not known yet; *ret_any: there were some. */
static int seize_all(struct tracee *t, bool *ret_any)
{
	size_t before = t->n;
	struct dirent *e;
	char path[64];
	int r = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)t->pid);
	d = opendir(path);
	if (!d)
		return errno == ENOENT ? -ESRCH : -errno;
	while (!r && (e = readdir(d))) {
		pid_t tid = (pid_t)atoi(e->d_name);

		if (tid > 0 && !knows(t, tid))
			r = seize(t, tid);
	}
	closedir(d);
	*ret_any = t->n > before;
	return r;
}

/* What waitpid() says of a thread; false: it has ended. */
static bool note_stop(struct tracee_thread *t, int status)
{
	if (!WIFSTOPPED(status))
		return false;
	t->stopped = true;
	t->signal = status >> 16 == PTRACE_EVENT_STOP ? 0 : WSTOPSIG(status);
	return true;
}

/* 1: it has stopped, 0: it has ended, -ETIMEDOUT. */
static int await_stop(struct tracee_thread *t)
{
	const struct timespec step = { .tv_nsec = 1000000 };

	for (unsigned int ms = 0; ms < PATIENCE_MS; ms++) {
		int status;
		pid_t r = waitpid(t->tid, &status, __WALL | WNOHANG);

		if (r < 0 && errno != EINTR)
			return 0;
		if (r > 0)
			return note_stop(t, status);
		nanosleep(&step, NULL);
	}
	return -ETIMEDOUT;
}

static int await_all(struct tracee *t, pid_t *ret_thread)
{
	for (size_t i = 0; i < t->n;) {
		int r = t->threads[i].stopped ? 1 : await_stop(&t->threads[i]);

		if (r < 0) {
			*ret_thread = t->threads[i].tid;
			return r;
		}
		if (r)
			i++;
		else
			forget(t, i);
	}
	return 0;
}

int tracee_stop(struct tracee *t, pid_t pid, pid_t *ret_thread)
{
	bool any = false;
	int r;

	*t = (struct tracee){ .pid = pid };
	do {
		r = seize_all(t, &any);
		if (!r)
			r = await_all(t, ret_thread);
	} while (!r && any);
	return !r && !t->n ? -ESRCH : r;
}

void tracee_let_go(struct tracee *t)
{
	for (size_t i = 0; i < t->n; i++)
		(void)ptrace(PTRACE_DETACH, t->threads[i].tid, NULL, (void *)(intptr_t)t->threads[i].signal);
	free(t->threads);
	t->threads = NULL;
	t->n = 0;
}

int tracee_registers(const struct tracee_thread *t, unsigned int set, void *ret, size_t *size)
{
	struct iovec v = { .iov_base = ret, .iov_len = *size };

	if (ptrace(PTRACE_GETREGSET, t->tid, (void *)(uintptr_t)set, &v) < 0)
		return -errno;
	*size = v.iov_len;
	return 0;
}
