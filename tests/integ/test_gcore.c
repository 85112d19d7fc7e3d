// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hmmctl gcore: every byte of managed memory, in memory or away, is in the core file and nothing else takes room there;
 * and the process goes on, whatever becomes of hmmctl. The process is a child, since it stands still meanwhile.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/core_file.h"
#include "tests/support/faulty_device.h"
#include "tests/support/move.h"
#include "tests/support/target.h"
#include "tests/support/words.h"

enum { NOBODY = 65534, SOMEBODY = 1235, OUTPUT = 4096 };

static char output[OUTPUT];

/* ---- hmmctl ---- */

static pid_t gcore_start(const struct house *h, const struct target *t, uid_t uid, const char *path)
{
	char pid[16], log[HOUSE_PATH + 16];
	pid_t child;
	int fd;

	snprintf(pid, sizeof(pid), "%d", (int)t->pid);
	snprintf(log, sizeof(log), "%s/gcore.log", h->dir);
	fflush(NULL);
	child = fork();
	if (child)
		return child;
	fd = open(log, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0 || target_become(uid))
		_exit(125);
	execl(getenv("HMMCTL"), "hmmctl", "--socket", h->socket, "gcore", pid, "-o", path, NULL);
	_exit(126);
}

/* Its exit status; what it said is in output. */
static int gcore_end(const struct house *h, pid_t child)
{
	char log[HOUSE_PATH + 16];
	int status = -1;
	ssize_t n;
	int fd;

	assert_int_equal(waitpid(child, &status, 0), child);
	snprintf(log, sizeof(log), "%s/gcore.log", h->dir);
	fd = open(log, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, output, sizeof(output) - 1);
	output[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
	unlink(log);
	print_message("%s", output);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int gcore(const struct house *h, const struct target *t, uid_t uid, const char *path)
{
	return gcore_end(h, gcore_start(h, t, uid, path));
}

/* A directory that anybody may write to; the core is in it, and while it is being written what is to become it. */
static void make_place(const struct house *h, char *ret_dir, char *ret_core, size_t size)
{
	snprintf(ret_dir, size, "%s/cores", h->dir);
	snprintf(ret_core, size, "%s/cores/core", h->dir);
	assert_int_equal(mkdir(ret_dir, 0777), 0);
	assert_int_equal(chmod(ret_dir, 0777), 0);
}

static int files_in(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* The memory is being read: what lies before the range is in the file already. */
static bool has_begun(const char *dir)
{
	DIR *d = opendir(dir);
	bool begun = false;
	struct stat st;

	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d));)
		begun |= e->d_name[0] != '.' && !fstatat(dirfd(d), e->d_name, &st, 0) && st.st_size > 0;
	closedir(d);
	return begun;
}

/* What was touched is there word by word, and what was not takes no room. */
static void check_core(const char *path, const struct target *t)
{
	const uint64_t untouched = TARGET_UNTOUCHED * HUGE_PAGE;
	struct core c;
	uint64_t at;
	void *words;

	core_open(path, &c);
	at = core_at(&c, t->addr, TARGET_SIZE + untouched);
	words = core_bytes(&c, at, TARGET_SIZE);
	assert_int_equal(words_bad(words, TARGET_SIZE, TARGET_SEED), 0);
	free(words);
	assert_true((uint64_t)c.st.st_size >= at + TARGET_SIZE + untouched);
	assert_true((uint64_t)lseek(c.fd, (off_t)(at + TARGET_SIZE), SEEK_DATA) >= at + TARGET_SIZE + untouched);
	assert_int_equal(c.st.st_mode & 0777, 0600);
	assert_int_equal(core_notes_of(&c, NT_PRSTATUS), target_threads(t));
	assert_int_equal(core_notes_of(&c, NT_FILE), 1);
	core_close(&c);
}

/* ---- what is promised ---- */

static void half_of_it_away_and_all_is_in_the_core(void **state)
{
	struct house *h = house_on(state, HOUSE_QUIET);
	char dir[HOUSE_PATH + 16], core[HOUSE_PATH + 16];
	struct target *t;

	make_place(h, dir, core, sizeof(core));
	t = target_new(h, 0);
	assert_int_equal(gcore(h, t, 0, core), 0);
	check_core(core, t);
	assert_int_equal(gcore(h, t, 0, core), 0);	/* over the first, and with all of it in memory now */
	check_core(core, t);
	assert_int_equal(files_in(dir), 1);
	unlink(core);
	rmdir(dir);
	target_end(t);
	house_close(h);
}

/* More than memory holds: what was read makes room for what is read next. */
static void what_does_not_fit_into_memory_is_in_the_core(void **state)
{
	struct house_options o = {
		.config = "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 8M\n"
			  "[tier far]\nkind = memory\ncapacity = 256M\n[policy default]\ntrack = no\n"
	};
	char dir[HOUSE_PATH + 16], core[HOUSE_PATH + 16];
	struct house *h = house_open(&o);
	struct target *t;

	(void)state;
	make_place(h, dir, core, sizeof(core));
	t = target_new(h, 0);
	assert_int_equal(gcore(h, t, 0, core), 0);
	check_core(core, t);
	unlink(core);
	rmdir(dir);
	target_end(t);
	house_close(h);
}

/* A userfaultfd of an ordinary user's own serves no touch but the program's: the daemon is asked for each page. */
static void without_privilege_all_is_in_the_core(void **state)
{
	struct house_options o = {
		.backing = "small", .args = { "--rootless" }, .config = HOUSE_QUIET, .uid = geteuid() ? 0 : NOBODY
	};
	char dir[HOUSE_PATH + 16], core[HOUSE_PATH + 16];
	struct house *h = house_open(&o);
	struct target *t;

	(void)state;
	make_place(h, dir, core, sizeof(core));
	t = target_new(h, o.uid);
	assert_int_equal(gcore(h, t, o.uid, core), 0);
	check_core(core, t);
	unlink(core);
	rmdir(dir);
	target_end(t);
	house_close(h);
}

static void it_is_for_its_own_user_and_root(void **state)
{
	char dir[HOUSE_PATH + 16], core[HOUSE_PATH + 16];
	struct house *h;
	struct target *t;

	(void)state;
	if (geteuid())
		skip_because("becoming another user needs root");
	h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	make_place(h, dir, core, sizeof(core));
	t = target_new(h, NOBODY);
	assert_int_equal(gcore(h, t, SOMEBODY, core), 1);
	assert_int_equal(files_in(dir), 0);
	assert_int_equal(gcore(h, t, NOBODY, core), 0);
	check_core(core, t);
	unlink(core);
	assert_int_equal(gcore(h, t, 0, core), 0);
	check_core(core, t);
	unlink(core);
	rmdir(dir);
	target_end(t);
	house_close(h);
}

static void it_takes_the_place_of_nothing_but_a_file(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	struct target *t = target_new(h, 0);
	char dir[HOUSE_PATH + 16], core[HOUSE_PATH + 16];

	(void)state;
	make_place(h, dir, core, sizeof(core));
	assert_int_equal(mkfifo(core, 0600), 0);
	assert_int_equal(gcore(h, t, 0, core), 1);
	assert_int_equal(files_in(dir), 1);
	unlink(core);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(gcore(h, t, 0, core), 1);	/* nowhere */
	target_end(t);
	house_close(h);
}

/* A device that does not answer keeps hmmctl at a page, and the process with it. */
static void let_go_when_hmmctl_ends(struct house_options o, int sig, int want)
{
	char path[64], dir[HOUSE_PATH + 16], core[HOUSE_PATH + 16];
	struct faulty_switches *s = faulty_switches_new(&o, path);
	struct house *h = house_open(&o);
	struct target *t = target_new(h, o.uid);
	int status = -1;
	pid_t child;

	make_place(h, dir, core, sizeof(core));
	atomic_store(&s->delay_us, UINT32_MAX);
	child = gcore_start(h, t, o.uid, core);
	assert_soon(target_stands_still(t) && has_begun(dir));
	assert_int_equal(kill(child, sig), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status), want);
	target_goes_on(t);
	assert_int_equal(files_in(dir), sig == SIGKILL);
	atomic_store(&s->delay_us, 0);
	target_end(t);
	house_close(h);
	faulty_switches_free(s, path);
}

static void the_process_goes_on_when_it_is_killed(void **state)
{
	(void)state;
	let_go_when_hmmctl_ends((struct house_options){ .config = HOUSE_QUIET }, SIGKILL, -SIGKILL);
}

static void the_process_goes_on_when_it_is_interrupted(void **state)
{
	(void)state;
	let_go_when_hmmctl_ends((struct house_options){ .config = HOUSE_QUIET }, SIGINT, 1);
}

/* It is then the daemon that it waits for. */
static void the_process_goes_on_without_privilege(void **state)
{
	struct house_options o = {
		.backing = "small", .args = { "--rootless" }, .config = HOUSE_QUIET, .uid = geteuid() ? 0 : NOBODY
	};

	(void)state;
	let_go_when_hmmctl_ends(o, SIGINT, 1);
}

static void who_is_killed_meanwhile_has_ended(void **state)
{
	struct house_options o = { .config = HOUSE_QUIET };
	char path[64], dir[HOUSE_PATH + 16], core[HOUSE_PATH + 16];
	struct faulty_switches *s = faulty_switches_new(&o, path);
	struct house *h = house_open(&o);
	struct target *t = target_new(h, 0);
	pid_t child;

	(void)state;
	make_place(h, dir, core, sizeof(core));
	atomic_store(&s->delay_us, UINT32_MAX);
	child = gcore_start(h, t, 0, core);
	assert_soon(target_stands_still(t) && has_begun(dir));
	assert_int_equal(kill(t->pid, SIGKILL), 0);
	atomic_store(&s->delay_us, 0);
	assert_int_equal(gcore_end(h, child), 1);
	assert_non_null(strstr(output, "has ended"));
	assert_int_equal(waitpid(t->pid, NULL, 0), t->pid);
	assert_int_equal(rmdir(dir), 0);
	munmap(t, sizeof(*t));
	house_close(h);
	faulty_switches_free(s, path);
}

static void a_debugger_opens_it(void **state)
{
	char dir[HOUSE_PATH + 16], core[HOUSE_PATH + 16], command[512];
	struct house *h;
	struct target *t;
	FILE *f;
	size_t n;

	(void)state;
	if (system("gdb --version > /dev/null 2>&1"))
		skip_because("there is no gdb here");
	h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	t = target_new(h, 0);
	make_place(h, dir, core, sizeof(core));
	assert_int_equal(gcore(h, t, 0, core), 0);
	snprintf(command, sizeof(command), "gdb -nx -batch -ex 'x/gx %#llx' -ex 'info threads' -c %s 2>&1",
		 (unsigned long long)atomic_load(&t->addr), core);
	f = popen(command, "re");
	assert_non_null(f);
	n = fread(output, 1, sizeof(output) - 1, f);
	output[n] = '\0';
	pclose(f);
	snprintf(command, sizeof(command), "0x%016llx", (unsigned long long)words_at(TARGET_SEED, 0));
	if (!strstr(output, command) || !strstr(output, "* 1 "))
		fail_msg("no %s, or no thread: %s", command, output);
	unlink(core);
	rmdir(dir);
	target_end(t);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PER_BACKING(half_of_it_away_and_all_is_in_the_core),
		cmocka_unit_test(what_does_not_fit_into_memory_is_in_the_core),
		cmocka_unit_test(without_privilege_all_is_in_the_core),
		cmocka_unit_test(it_is_for_its_own_user_and_root),
		cmocka_unit_test(it_takes_the_place_of_nothing_but_a_file),
		cmocka_unit_test(the_process_goes_on_when_it_is_killed),
		cmocka_unit_test(the_process_goes_on_when_it_is_interrupted),
		cmocka_unit_test(the_process_goes_on_without_privilege),
		cmocka_unit_test(who_is_killed_meanwhile_has_ended),
		cmocka_unit_test(a_debugger_opens_it),
	};

	return cmocka_run_group_tests_name("gcore", tests, NULL, NULL);
}
