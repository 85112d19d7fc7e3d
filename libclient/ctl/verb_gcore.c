// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hmmctl gcore: a core file of a process, with its managed memory. The memory is read by this user's own right, as a
 * debugger would read it; the daemon only says what there is, and serves the pages that are away.
 *
 * Whatever happens the process goes on: a thread of its own reads, because a page that does not come keeps whoever
 * reads it in the kernel, and the first thread, which holds the process, gives up when it gets no further or is told to end.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libclient/ctl/core_managed.h"
#include "libclient/ctl/core_note.h"
#include "libclient/ctl/ctl.h"
#include "libclient/ctl/format.h"
#include "libclient/ctl/span.h"
#include "libclient/ctl/text.h"

enum { PATIENCE = 30 };		/* seconds without a byte: as long as a library looks for a daemon that went away */

struct gcore {
	struct ctl *ctl;
	int32_t pid;
	char *path, *part;		/* the file, and what it is called until it is complete */
	struct core_file file;
	struct core_map map;
	struct core_memory memory;
	struct tracee tracee;
	pthread_t first;
	_Atomic bool done;
	bool left_behind;		/* the thread that reads, which uses all this */
	int result;			/* of the reading */
	uint64_t stopped_us;
};

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int open_part(struct gcore *g)
{
	struct stat st;
	int fd;

	if (g->ctl->args.output)
		g->path = must(strdup(g->ctl->args.output));
	else if (asprintf(&g->path, "core.%d", (int)g->pid) < 0)
		g->path = must(NULL);
	if (!lstat(g->path, &st) && !S_ISREG(st.st_mode))
		return ctl_fail(g->ctl, "%s is no regular file", g->path);
	if (asprintf(&g->part, "%s.XXXXXX", g->path) < 0)
		g->part = must(NULL);
	fd = mkostemp(g->part, O_CLOEXEC);
	if (fd < 0) {
		g->part[0] = '\0';
		return ctl_fail(g->ctl, "cannot write %s: %s", g->path, strerror(errno));
	}
	core_file_begin(&g->file, fd);
	return CTL_DONE;
}

static int cannot_stop(const struct gcore *g, int error, pid_t thread)
{
	int pid = (int)g->pid;

	switch (-error) {
	case EPERM:
	case EACCES:
		return ctl_fail(g->ctl, "you may not read the memory of %d: it is for its own user, unless the kernel is set to "
				"let only root debug (kernel.yama.ptrace_scope), and for root; or a debugger has it", pid);
	case ESRCH:
		return ctl_fail(g->ctl, "%d has ended", pid);
	case ETIMEDOUT:
		return ctl_fail(g->ctl, "thread %d of %d does not stop; %d goes on", (int)thread, pid, pid);
	case EOPNOTSUPP:
		return ctl_fail(g->ctl, "%d is no 64-bit program", pid);
	default:
		return ctl_fail(g->ctl, "%d: %s", pid, strerror(-error));
	}
}

/* The process stands still, and all is known but for the bytes. */
static int look(struct gcore *g)
{
	pid_t thread = 0;
	int status, r = tracee_stop(&g->tracee, g->pid, &thread);

	if (!r)
		r = core_map_read(g->pid, &g->map);
	if (!r)
		r = core_notes(&g->file, &g->tracee, &g->map);
	if (r)
		return cannot_stop(g, r, thread);
	status = core_managed_ask(g->ctl, g->ctl->word[0], &g->memory);
	g->memory.pid = g->pid;
	g->memory.map = &g->map;
	g->memory.file = &g->file;
	return status;
}

static void *read_all(void *userdata)
{
	struct gcore *g = userdata;

	g->result = core_memory_copy(&g->memory);
	atomic_store(&g->done, true);
	pthread_kill(g->first, SIGUSR1);
	return NULL;
}

/* Until it is done. 0, or a signal that tells us to end, or -ETIMEDOUT. */
static int watch(struct gcore *g, const sigset_t *signals)
{
	const struct timespec second = { .tv_sec = 1 };
	uint64_t seen = 0, now;
	unsigned int idle = 0;

	while (!atomic_load(&g->done)) {
		int sig = sigtimedwait(signals, NULL, &second);

		if (sig > 0 && sig != SIGUSR1)
			return sig;
		now = atomic_load(&g->memory.seen);
		idle = sig > 0 || now != seen ? 0 : idle + 1;
		seen = now;
		if (idle > PATIENCE)
			return -ETIMEDOUT;
	}
	return 0;
}

static int reading_ended(const struct gcore *g)
{
	if (!g->result)
		return CTL_DONE;
	if (g->result == -ESRCH)
		return ctl_fail(g->ctl, "%d has ended", (int)g->pid);
	return g->memory.write_failed ? ctl_fail(g->ctl, "cannot write %s: %s", g->path, strerror(-g->result)) :
					ctl_fail(g->ctl, "cannot read the memory of %d: %s", (int)g->pid, strerror(-g->result));
}

/* The thread that reads is left behind when it cannot be waited for: it ends with the program (leave()). */
static int read_watched(struct gcore *g, const sigset_t *signals)
{
	pthread_t reader;
	int r;

	g->first = pthread_self();
	r = pthread_create(&reader, NULL, read_all, g);
	if (r)
		return ctl_fail(g->ctl, "no thread to read with: %s", strerror(r));
	r = watch(g, signals);
	g->left_behind = r;
	if (r == -ETIMEDOUT)
		return ctl_fail(g->ctl, "a page has not come for %d seconds (see `hmmctl status`); %d goes on", PATIENCE,
				(int)g->pid);
	if (r)
		return ctl_fail(g->ctl, "interrupted; %d goes on", (int)g->pid);
	pthread_join(reader, NULL);
	return reading_ended(g);
}

/* A signal that comes in the meantime is dealt with when the process goes on again. */
static int copy(struct gcore *g)
{
	uint64_t begin = now_us();
	sigset_t signals;
	int status;

	sigemptyset(&signals);
	for (const int *s = (const int[]){ SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, 0 }; *s; s++)
		sigaddset(&signals, *s);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	status = look(g);
	if (status == CTL_DONE)
		status = read_watched(g, &signals);
	tracee_let_go(&g->tracee);
	g->stopped_us = now_us() - begin;
	return status;
}

static int finish(struct gcore *g)
{
	int r = core_file_finish(&g->file);

	if (!r && rename(g->part, g->path) < 0)
		r = -errno;
	if (r)
		return ctl_fail(g->ctl, "cannot write %s: %s", g->path, strerror(-r));
	g->part[0] = '\0';
	return CTL_DONE;
}

static int report(struct gcore *g)
{
	char size[FORMAT_MAX], stored[FORMAT_MAX], stopped[FORMAT_MAX], missing[FORMAT_MAX], *path = printable(g->path);
	struct stat st = { 0 };
	struct json_object *o;

	(void)fstat(g->file.fd, &st);
	if (g->ctl->json) {
		o = must(json_object_new_object());
		json_object_object_add(o, "file", json_text(g->path));
		json_object_object_add(o, "bytes", must(json_object_new_uint64((uint64_t)st.st_size)));
		json_object_object_add(o, "stored_bytes", must(json_object_new_uint64((uint64_t)st.st_blocks * 512)));
		json_object_object_add(o, "missing_bytes", must(json_object_new_uint64(g->memory.missing)));
		json_object_object_add(o, "stopped_us", must(json_object_new_uint64(g->stopped_us)));
		ctl_print_json("gcore", o);
	} else {
		printf("%s: %s, %s of it stored; %d stood still for %s\n", path, format_size(size, (uint64_t)st.st_size),
		       format_size(stored, (uint64_t)st.st_blocks * 512), (int)g->pid, format_duration(stopped, g->stopped_us));
	}
	free(path);
	if (g->memory.missing)
		return ctl_fail(g->ctl, "%s could not be read, and are not in it", format_size(missing, g->memory.missing));
	return CTL_DONE;
}

static void gcore_free(struct gcore *g)
{
	if (g->part && g->part[0])
		unlink(g->part);
	core_file_free(&g->file);
	core_map_free(&g->map);
	core_managed_free(&g->memory);
	free(g->path);
	free(g->part);
	free(g);
}

/* At once: the thread that reads uses the client, the stack of main() and all that would be freed. */
static _Noreturn void leave(const struct gcore *g, int status)
{
	unlink(g->part);
	_exit(status);
}

static int write_core(struct gcore *g)
{
	int status = core_managed_ask(g->ctl, g->ctl->word[0], &g->memory);

	if (status == CTL_DONE)
		status = open_part(g);
	if (status == CTL_DONE)
		status = copy(g);
	if (status == CTL_DONE)
		status = finish(g);
	if (status == CTL_DONE)
		status = report(g);
	return status;
}

int verb_gcore(struct ctl *c)
{
	struct gcore *g;
	int32_t pid;
	int status;

	if (span_parse_pid(c->word[0], &pid) < 0)
		return ctl_usage(c, "'%.40s' is no process id", c->word[0]);
	g = must(calloc(1, sizeof(*g)));
	g->ctl = c;
	g->pid = pid;
	g->file.fd = -1;
	status = write_core(g);
	if (g->left_behind)
		leave(g, status);
	gcore_free(g);
	return status;
}
