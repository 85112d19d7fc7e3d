// SPDX-License-Identifier: GPL-2.0-or-later
/* The process (target.h): says in memory shared with the test where its range is, and that it goes on. */
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/target.h"
#include "tests/support/words.h"

int target_become(uid_t uid)
{
	return uid && (setgroups(0, NULL) || setgid(uid) || setuid(uid) || prctl(PR_SET_DUMPABLE, 1));
}

/* Half of a mapping, beyond the end of its file, cannot be read by anybody; there is nothing there. */
static bool map_more_than_a_file(void)
{
	const off_t size = sysconf(_SC_PAGESIZE);
	int fd = memfd_create("short", MFD_CLOEXEC);
	bool done = fd >= 0 && !ftruncate(fd, size) &&
		    mmap(NULL, 2 * (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED;

	if (fd >= 0)
		close(fd);
	return done;
}

/* The exit status: 0, or the number of the step that went wrong. */
static int live(struct target *t, const char *socket, uid_t uid)
{
	struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;
	struct hmm_client *c = NULL;
	struct hmm_range *r = NULL;
	struct hmm_op *op = NULL;

	if (target_become(uid) || !map_more_than_a_file())
		return 1;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);	/* where only a parent may trace */
	o.socket_path = socket;
	if (hmm_client_new(&c, &o) || hmm_alloc(c, TARGET_SIZE + TARGET_UNTOUCHED * HUGE_PAGE, NULL, &r))
		return 2;
	words_fill(hmm_range_addr(r), TARGET_SIZE, TARGET_SEED);
	if (hmm_range_migrate(r, 0, TARGET_AWAY * HUGE_PAGE, "far", 0, &op) || hmm_op_wait(op, PATIENCE_US))
		return 3;
	hmm_op_unref(op);
	atomic_store(&t->addr, (uintptr_t)hmm_range_addr(r));
	while (!atomic_load(&t->stop)) {
		atomic_fetch_add(&t->beats, 1);
		pause_us(1000);
	}
	if (words_bad(hmm_range_addr(r), TARGET_SIZE, TARGET_SEED))
		return 4;
	hmm_client_unref(c);
	return 0;
}

struct target *target_new(const struct house *h, uid_t uid)
{
	struct target *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	assert_true(t != MAP_FAILED);
	fflush(NULL);
	pid = fork();
	if (!pid)
		_exit(live(t, h->socket, uid));
	t->pid = pid;
	assert_soon(atomic_load(&t->addr) || waitpid(pid, NULL, WNOHANG));
	assert_true(atomic_load(&t->addr));
	return t;
}

/* What stands behind a key in its status. */
static void status_of(const struct target *t, const char *key, char *ret, size_t size)
{
	char path[64], line[256];
	FILE *f;

	ret[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/status", (int)t->pid);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			snprintf(ret, size, "%s", line + strlen(key) + strspn(line + strlen(key), ":\t "));
	fclose(f);
}

static bool is_traced(const struct target *t)
{
	char tracer[32];

	status_of(t, "TracerPid", tracer, sizeof(tracer));
	return atoi(tracer);
}

bool target_stands_still(const struct target *t)
{
	char state[32];

	status_of(t, "State", state, sizeof(state));
	return state[0] == 't';
}

void target_goes_on(struct target *t)
{
	uint64_t beats;

	assert_soon(!is_traced(t));
	beats = atomic_load(&t->beats);
	assert_soon(atomic_load(&t->beats) > beats);
}

unsigned int target_threads(const struct target *t)
{
	char threads[32];

	status_of(t, "Threads", threads, sizeof(threads));
	return (unsigned int)atoi(threads);
}

void target_end(struct target *t)
{
	int status = -1;

	target_goes_on(t);
	atomic_store(&t->stop, true);
	assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
	assert_int_equal(status, 0);
	munmap(t, sizeof(*t));
}
