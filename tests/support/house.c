// SPDX-License-Identifier: GPL-2.0-or-later
/* A private hmmd: directory, configuration, start, end, and what must not be left over. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/house_own.h"
#include "tests/support/manager.h"
#include "tests/support/test.h"

/*
 * Tests fork clients out of a process that has threads; ThreadSanitizer would end such a child at its
 * first thread. Asked by its run-time library, by nobody else.
 */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "die_after_fork=0";
}

/* What systemd counts as one watchdog period here: short, so that a test sees several. */
#define WATCHDOG_US "400000"

const char *house_backing_missing(const char *backing)
{
	if (!strcmp(backing, "hugetlb"))
		return access(HOUSE_OVERCOMMIT, W_OK) ? "hugetlb: " HOUSE_OVERCOMMIT " may not be written (root)" : NULL;
	if (!strcmp(backing, "thp"))
		return geteuid() ? "thp: mounting a tmpfs needs root" : NULL;
	return NULL;
}

/* Memory, where there is a writable tmpfs: the ledger wants one, and nobody waits for a disk. */
static const char *base_dir(void)
{
	if (getenv("TMPDIR"))
		return getenv("TMPDIR");
	return access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
}

void house_write_config(struct house *h, const char *sections)
{
	FILE *f = fopen(h->config, "we");

	assert_non_null(f);
	fprintf(f, "[daemon]\nbacking = %s\n%s%s", h->backing, h->options.daemon ? h->options.daemon : "", sections);
	assert_int_equal(fclose(f), 0);
}

struct house *house_prepare(const struct house_options *o)
{
	struct house *h = calloc(1, sizeof(*h));
	char notify[HOUSE_PATH + 8];

	assert_non_null(h);
	if (o)
		h->options = *o;
	snprintf(h->backing, sizeof(h->backing), "%s", h->options.backing ? h->options.backing :
		 house_backing_missing("hugetlb") ? "small" : "hugetlb");
	snprintf(h->dir, 64, "%s/hmmd-test-XXXXXX", base_dir());
	assert_non_null(mkdtemp(h->dir));
	assert_int_equal(chmod(h->dir, 0755), 0);
	snprintf(h->socket, sizeof(h->socket), "%.64s/hmmd.sock", h->dir);
	snprintf(h->state, sizeof(h->state), "%.64s/state", h->dir);
	snprintf(h->config, sizeof(h->config), "%.64s/hmmd.conf", h->dir);
	snprintf(h->log, sizeof(h->log), "%.64s/log", h->dir);
	assert_int_equal(mkdir(h->state, 0755), 0);
	house_write_config(h, h->options.config ? h->options.config : HOUSE_TIERS);
	if (h->options.uid)
		assert_int_equal(chown(h->dir, h->options.uid, (gid_t)-1) | chown(h->state, h->options.uid, (gid_t)-1), 0);
	h->pid = -1;
	house_remember(h);
	h->others = count_processes("hmmd") > 0;
	h->overcommit = house_overcommit();
	h->others |= count_processes("hmmd") > 0;	/* one that ended in between had it raised */
	if (h->options.managed) {
		snprintf(notify, sizeof(notify), "%.64s/notify", h->dir);
		h->manager = manager_new(h->socket, notify, h->options.forget ? 0 :
					 h->options.store ? h->options.store : MANAGER_STORE);
	}
	return h;
}

static size_t fill_args(const struct house *h, const char *const *more, const char **args)
{
	const char *program = h->options.program ? h->options.program : getenv("HMMD");
	size_t n = 0;

	if (!program)
		fail_msg("HMMD does not say which hmmd to run");
	args[n++] = program;
	args[n++] = "--config";
	args[n++] = h->config;
	args[n++] = "--state-dir";
	args[n++] = h->state;
	if (!h->manager) {
		args[n++] = "--socket";
		args[n++] = h->socket;
	}
	for (size_t i = 0; i < HOUSE_ARGS && h->options.args[i]; i++)
		args[n++] = h->options.args[i];
	for (size_t i = 0; more && more[i]; i++)
		args[n++] = more[i];
	args[n] = NULL;
	return n;
}

/* In the child: descriptors to 3 and up, as sd_listen_fds(3) wants them. */
static void give(const struct house *h, const struct manager *m, struct manager_gift *g)
{
	char number[16];

	for (size_t i = 0; i < g->n; i++)	/* out of the way of the targets first */
		g->fds[i] = fcntl(g->fds[i], F_DUPFD_CLOEXEC, 3 + MANAGER_FDS);
	for (size_t i = 0; i < g->n; i++)
		if (g->fds[i] < 0 || dup2(g->fds[i], 3 + (int)i) < 0)
			_exit(126);
	snprintf(number, sizeof(number), "%d", (int)getpid());
	setenv("LISTEN_PID", number, 1);
	setenv("WATCHDOG_PID", number, 1);
	setenv("WATCHDOG_USEC", WATCHDOG_US, 1);
	snprintf(number, sizeof(number), "%zu", g->n);
	setenv("LISTEN_FDS", number, 1);
	setenv("LISTEN_FDNAMES", g->names, 1);
	setenv("NOTIFY_SOCKET", manager_notify_path(m), 1);
	if (manager_capacity(m)) {
		snprintf(number, sizeof(number), "%zu", manager_capacity(m));
		setenv(h->options.old ? "HMMD_FDSTORE" : "FDSTORE", number, 1);
	}
}

static void become(uid_t uid)
{
	if (uid && (setgroups(0, NULL) || setgid(uid) || setuid(uid)))
		_exit(125);
}

static void enter(const char *procs)
{
	int fd = procs ? open(procs, O_WRONLY | O_CLOEXEC) : -1;

	if (procs && (fd < 0 || write(fd, "0", 1) != 1))
		_exit(124);
	if (fd >= 0)
		close(fd);
}

static pid_t spawn(struct house *h, const char *const *more)
{
	static struct manager_gift gift;
	const char *args[32];
	int log = open(h->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	pid_t pid;

	assert_true(log >= 0);
	fill_args(h, more, args);
	if (h->manager)
		manager_gift(h->manager, &gift);
	fflush(NULL);
	pid = fork();
	if (!pid) {
		dup2(log, STDOUT_FILENO);
		dup2(log, STDERR_FILENO);
		unsetenv("NOTIFY_SOCKET");
		unsetenv("LISTEN_FDS");
		if (h->manager)
			give(h, h->manager, &gift);
		enter(h->options.group);
		become(h->options.uid);
		prctl(PR_SET_PDEATHSIG, SIGKILL);	/* after the change of user, which takes it away */
		execv(args[0], (char *const *)args);
		_exit(127);
	}
	close(log);
	assert_true(pid > 0);
	return pid;
}

int house_run(struct house *h, const char *const *args)
{
	pid_t pid = spawn(h, args);
	int status = -1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

void house_show_log(const struct house *h)
{
	FILE *f = fopen(h->log, "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		fprintf(stderr, "# hmmd: %s", line);
	if (f)
		fclose(f);
}

bool house_logged(const struct house *h, const char *text)
{
	FILE *f = fopen(h->log, "re");
	bool found = false;
	char line[1024];

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, text) != NULL;
	if (f)
		fclose(f);
	return found;
}

bool house_alive(const struct house *h)
{
	siginfo_t info = { 0 };

	if (h->pid < 0)
		return false;
	return !waitid(P_PID, (id_t)h->pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid == 0;
}

/* Under the manager the socket is there before the daemon is. Where one was killed, its own is there a moment longer. */
static bool answers(const struct house *h)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct ucred who = { .pid = 0 };
	socklen_t size = sizeof(who);
	bool connected;
	int fd;

	if (h->manager)
		return manager_ready(h->manager);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "%.100s", h->socket);
	connected = fd >= 0 && !connect(fd, (struct sockaddr *)&a, sizeof(a)) &&
		    !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) && who.pid == h->pid;
	close(fd);
	return connected;
}

/* Whether it answered before it ended. */
static bool comes_up(struct house *h)
{
	bool up = false;

	h->pid = spawn(h, NULL);
	if (!WAIT_UNTIL(!house_alive(h) || (up = answers(h))))
		house_show_log(h);
	return up;
}

void house_start(struct house *h)
{
	if (comes_up(h))
		return;
	house_show_log(h);
	fail_msg("hmmd does not come up");
}

bool house_try(struct house *h)
{
	int status;

	if (comes_up(h))
		return true;
	status = house_wait(h);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 0);
	return false;
}

int house_wait(struct house *h)
{
	int status = -1;

	if (h->pid < 0)
		return status;
	if (!WAIT_UNTIL(!house_alive(h))) {
		house_show_log(h);
		house_kill(h);
		fail_msg("hmmd does not end");
	}
	waitpid(h->pid, &status, 0);
	h->pid = -1;
	return status;
}

/* Without a daemon the number would mean every process of the machine. */
static void tell(const struct house *h, int sig)
{
	if (h->pid > 0)
		kill(h->pid, sig);
}

int house_stop(struct house *h)
{
	tell(h, SIGTERM);
	return house_wait(h);
}

void house_kill(struct house *h)
{
	tell(h, SIGKILL);
	if (h->pid > 0)
		waitpid(h->pid, NULL, 0);
	h->pid = -1;
}

struct house *house_open(const struct house_options *o)
{
	struct house *h = house_prepare(o);

	house_start(h);
	return h;
}

struct hmm_client *house_client(const struct house *h, const char *name, uint32_t flags)
{
	struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;
	struct hmm_client *c = NULL;
	int r;

	o.socket_path = h->socket;
	o.name = name;
	o.flags = flags;
	r = hmm_client_new(&c, &o);
	if (r < 0)
		fail_msg("no connection: %s", strerror(-r));
	return c;
}
