// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What hmmd adds to the machine's overcommit of huge pages, which any process may take: a headroom above its own
 * use, never more than configured, and given back also after it was killed, by a command and by the next hmmd. The
 * setting is the machine's, and other daemons change it meanwhile, so what is asked about is on record.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/house.h"
#include "tests/support/test.h"
#include "tests/support/words.h"

#define RECORD "/run/hmmd-hugepages"
#define HEADROOM (128 * MiB)
#define LARGE (600 * MiB)
#define SETTING "/proc/sys/vm/nr_overcommit_hugepages"
#define TIER "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 2G\n"
enum { SEED = 613, SHARES = 32, FIRST = 1 /* byte that is locked for the first share */ };

static const struct house_options large = { .backing = "hugetlb", .config = TIER };

static pid_t holder(int fd, int share)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = FIRST + share, .l_len = 1 };

	return fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

/* Bytes that the process has added, or (0) that those have who are no more. */
static uint64_t added_by(pid_t pid)
{
	FILE *f = fopen(RECORD, "r+e");
	uint64_t pages, next, bytes = 0;
	char line[128];
	int share;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "share %d %" SCNu64 " %" SCNu64, &share, &pages, &next) == 3 &&
		    holder(fileno(f), share) == pid)
			bytes += pages * HUGE_PAGE;
	if (f)
		fclose(f);
	return bytes;
}

static uint64_t setting(void)
{
	FILE *f = fopen(SETTING, "re");
	uint64_t pages = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%" SCNu64, &pages), 1);
	fclose(f);
	return pages;
}

/* Somebody was served: it is ready to be ended, too. */
static struct house *open_ready(const struct house_options *o)
{
	struct house *h = house_open(o);

	hmm_client_unref(house_client(h, "first", 0));
	return h;
}

static struct house *open_or_skip(const struct house_options *o)
{
	if (house_backing_missing("hugetlb"))
		skip_because("%s", house_backing_missing("hugetlb"));
	return open_ready(o);
}

/* What others of this machine have taken on demand before comes on top. */
static uint64_t surplus(void)
{
	return count_meminfo("HugePages_Surp") * HUGE_PAGE;
}

static void it_stays_a_headroom_above_the_use(void **state)
{
	uint64_t others = surplus();
	struct house *h = open_or_skip(&large);
	struct hmm_client *c = house_client(h, "use", 0);
	struct hmm_range *r = NULL;

	(void)state;
	assert_soon(added_by(h->pid) > 0);
	assert_true(added_by(h->pid) <= 2 * HEADROOM + others);
	assert_int_equal(hmm_alloc(c, LARGE, NULL, &r), 0);
	words_fill(hmm_range_addr(r), LARGE, SEED);
	assert_soon(added_by(h->pid) >= LARGE && added_by(h->pid) <= LARGE + 2 * HEADROOM + others);
	assert_int_equal(words_bad(hmm_range_addr(r), LARGE, SEED), 0);
	assert_int_equal(hmm_range_free(r), 0);
	assert_soon(added_by(h->pid) <= 2 * HEADROOM + others);
	hmm_client_unref(c);
	house_close(h);
}

/* Takes all huge pages that the machine gives, says how many there were, and holds them until `told` is closed. */
static pid_t start_stranger(uint64_t most, const int *told, int tell)
{
	pid_t pid = fork();
	uint64_t n = 0;
	char *at;
	char c;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(told[1]);
	for (; n < most; n++) {
		at = mmap(NULL, HUGE_PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | 21 << MAP_HUGE_SHIFT, -1, 0);
		if (at == MAP_FAILED)
			break;
	}
	if (write(tell, &n, sizeof(n)) != sizeof(n) || read(told[0], &c, 1) < 0)
		_exit(1);
	_exit(0);
}

/* And hmmd goes on without what it took. */
static void a_stranger_gets_no_more_than_that(void **state)
{
	uint64_t n = 0, base = (setting() + count_meminfo("HugePages_Total")) * HUGE_PAGE;
	int others = count_processes("hmmd");	/* whose parts a stranger gets as well */
	struct house *h = open_or_skip(&large);
	struct hmm_client *c = house_client(h, "beside", 0);
	struct hmm_range *r = NULL;
	int told[2], tell[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(told, O_CLOEXEC) | pipe2(tell, O_CLOEXEC), 0);
	pid = start_stranger(2048, told, tell[1]);
	assert_int_equal(read(tell[0], &n, sizeof(n)), sizeof(n));
	others += count_processes("hmmd") - 1 - count_processes("hmmd-keeper");
	assert_true(others > 0 || n * HUGE_PAGE <= base + 2 * HEADROOM);
	assert_int_equal(hmm_alloc(c, 64 * MiB, NULL, &r), 0);
	words_fill(hmm_range_addr(r), 64 * MiB, SEED);
	assert_int_equal(words_bad(hmm_range_addr(r), 64 * MiB, SEED), 0);
	close(told[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(told[0]);
	close(tell[0]);
	close(tell[1]);
	hmm_client_unref(c);
	house_close(h);
}

static void it_is_never_more_than_configured(void **state)
{
	static const struct house_options o = { .backing = "hugetlb", .config = TIER, .daemon = "huge-pages = 32M\n" };
	struct house *h = open_or_skip(&o);
	struct hmm_client *c = house_client(h, "ceiling", 0);
	struct hmm_range *r = NULL;

	(void)state;
	assert_soon(added_by(h->pid) > 0);
	assert_int_equal(hmm_alloc(c, 16 * MiB, NULL, &r), 0);
	words_fill(hmm_range_addr(r), 16 * MiB, SEED);
	assert_int_equal(added_by(h->pid), 32 * MiB);
	hmm_client_unref(c);
	house_close(h);
}

static const char *const give_back[] = { "--give-back", NULL };

static void it_is_given_back_by_a_command(void **state)
{
	struct house *h = open_or_skip(&large);
	int status;

	(void)state;
	assert_int_equal(house_run(h, give_back), 0);
	assert_soon(added_by(h->pid) > 0);	/* of one that lives nothing is taken */
	house_kill(h);
	status = house_run(h, give_back);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(added_by(0), 0);
	house_remove(h);
}

static void it_is_given_back_by_the_next_one_wherever_its_state_lies(void **state)
{
	struct house *h = open_or_skip(&large), *next;

	(void)state;
	assert_soon(added_by(h->pid) > 0);
	house_kill(h);
	next = open_ready(&large);
	assert_int_equal(added_by(0), 0);
	house_close(next);
	house_remove(h);
}

static void it_is_given_back_at_the_end(void **state)
{
	struct house *h = open_or_skip(&large);
	pid_t pid = h->pid;

	(void)state;
	assert_soon(added_by(pid) > 0);
	house_close(h);
	assert_int_equal(added_by(pid), 0);
	assert_int_equal(added_by(0), 0);
}

static void more_than_there_is_room_for(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	struct hmm_client *c = house_client(h, "large", 0);
	struct hmm_range *r = NULL;

	(void)state;
	assert_int_equal(hmm_alloc(c, 1024 * MiB, NULL, &r), -ENOSPC);
	assert_null(r);
	assert_true(hmm_client_last_error(c)[0]);
	hmm_client_unref(c);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_than_there_is_room_for),
		cmocka_unit_test(it_stays_a_headroom_above_the_use),
		cmocka_unit_test(a_stranger_gets_no_more_than_that),
		cmocka_unit_test(it_is_never_more_than_configured),
		cmocka_unit_test(it_is_given_back_by_a_command),
		cmocka_unit_test(it_is_given_back_by_the_next_one_wherever_its_state_lies),
		cmocka_unit_test(it_is_given_back_at_the_end),
	};

	return cmocka_run_group_tests_name("overcommit", tests, NULL, NULL);
}
