// SPDX-License-Identifier: GPL-2.0-or-later
/* Only what can be adopted is: private anonymous memory, all of it there. The refusal says what is where. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/deny.h"
#include "tests/support/house.h"
#include "tests/support/test.h"

enum { PAGE = 4096, PAGES = 8 };
#define SIZE ((size_t)PAGES * PAGE)
#define ASIDE (16ULL << 30)

static struct house *house;
static struct hmm_client *client;
static char *fine;	/* memory that may be adopted */

static char *memory(int prot, int flags, int fd)
{
	char *p = mmap(NULL, SIZE, prot, flags, fd, 0);

	assert_true(p != MAP_FAILED);
	return p;
}

/*
 * Far below all else. A hole there stays one: whatever another thread maps meanwhile goes to the highest place that is
 * free, and that is the one just below everything else.
 */
static char *memory_aside(void)
{
	char *p = memory(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1), *aside = p - ASIDE;

	assert_int_equal(munmap(p, SIZE), 0);
	assert_ptr_equal(mmap(aside, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), aside);
	return aside;
}

static int set_up(void **state)
{
	(void)state;
	house = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	client = house_client(house, "adoptable", 0);
	fine = memory(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	hmm_client_unref(client);
	house_close(house);
	return 0;
}

/* Alone, and as the last of several. */
static void refused(char *p, size_t size, int error, char *at, const char *what)
{
	char where[32];
	void *addrs[] = { fine, fine + 2 * PAGE, p };
	size_t sizes[] = { PAGE, PAGE, size };
	struct hmm_range *r[3] = { NULL };

	assert_int_equal(hmm_register(client, p, size, NULL, &r[0]), error);
	snprintf(where, sizeof(where), "0x%llx", (unsigned long long)(uintptr_t)at);
	if (!strstr(hmm_client_last_error(client), where) || !strstr(hmm_client_last_error(client), what))
		fail_msg("\"%s\" lacks \"%s\" or \"%s\"", hmm_client_last_error(client), where, what);
	assert_int_equal(hmm_register_many(client, 3, addrs, sizes, NULL, r), error);
	for (size_t i = 0; i < 3; i++)
		assert_null(r[i]);
}

static void what_is_not_mapped_is_refused(void **state)
{
	char *p = memory_aside();

	(void)state;
	assert_int_equal(munmap(p + 3 * PAGE, PAGE), 0);
	refused(p, SIZE, -EFAULT, p + 3 * PAGE, "not mapped");
	assert_int_equal(munmap(p, SIZE), 0);
	refused(p, SIZE, -EFAULT, p, "not mapped");
}

static void what_is_shared_is_refused(void **state)
{
	char *p = memory(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);

	(void)state;
	refused(p, SIZE, -EOPNOTSUPP, p, "shared");
	munmap(p, SIZE);
}

static void what_is_of_a_file_is_refused(void **state)
{
	char path[] = "/tmp/hmmd-adoptable-XXXXXX", *p;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(ftruncate(fd, SIZE), 0);
	p = memory(PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
	refused(p, SIZE, -EOPNOTSUPP, p, "file");
	munmap(p, SIZE);
	/* A piece of one in the middle. */
	p = memory(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	assert_ptr_equal(mmap(p + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0), p + PAGE);
	refused(p, SIZE, -EOPNOTSUPP, p + PAGE, "file");
	munmap(p, SIZE);
	close(fd);
}

static void what_may_not_be_touched_is_refused(void **state)
{
	char *p = memory(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	(void)state;
	assert_int_equal(mprotect(p + 2 * PAGE, PAGE, PROT_NONE), 0);
	refused(p, SIZE, -EACCES, p + 2 * PAGE, "PROT_NONE");
	munmap(p, SIZE);
}

static void huge_pages_of_hugetlbfs_are_refused(void **state)
{
	char *p = mmap(NULL, HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1, 0);

	(void)state;
	if (p == MAP_FAILED)
		skip_because("hugetlb is not to be had here");
	refused(p, HUGE_PAGE, -EOPNOTSUPP, p, "hugetlbfs");
	munmap(p, HUGE_PAGE);
}

/* Pieces of different rights are one range all the same; the heap and the stack are memory like any other. */
static void what_is_private_and_anonymous_is_taken(void **state)
{
	char *p = memory(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1), here;
	char *stack = (char *)((uintptr_t)&here & ~(uintptr_t)(PAGE - 1)), *heap = sbrk(2 * PAGE);
	struct hmm_range *r[3];

	(void)state;
	assert_int_equal(mprotect(p + 2 * PAGE, PAGE, PROT_READ), 0);
	assert_true(hmm_register(client, p, SIZE, NULL, &r[0]) >= 0);
	assert_true(hmm_register(client, stack, PAGE, NULL, &r[1]) >= 0);
	assert_true(heap != (char *)-1);
	heap = (char *)(((uintptr_t)heap + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
	assert_true(hmm_register(client, heap, PAGE, NULL, &r[2]) >= 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(hmm_range_free(r[i]), 0);
	munmap(p, SIZE);
}

/* Managed memory is shared memory, but that is not what is wrong with it. */
static void what_is_a_range_already_is_said_to_be_one(void **state)
{
	struct hmm_range *managed, *none = NULL;

	(void)state;
	assert_int_equal(hmm_alloc(client, HUGE_PAGE, NULL, &managed), 0);
	assert_int_equal(hmm_register(client, hmm_range_addr(managed), PAGE, NULL, &none), -EEXIST);
	assert_int_equal(hmm_range_free(managed), 0);
}

/* As on a kernel that answers no questions about mappings: by the text. The last test, for it is not undone. */
static void an_older_kernel_says_the_same(void **state)
{
	if (!deny_ioctl((uint32_t)_IOWR('f', 17, char[104])))
		skip_because("no system call can be denied here");
	what_is_not_mapped_is_refused(state);
	what_is_shared_is_refused(state);
	what_is_of_a_file_is_refused(state);
	what_may_not_be_touched_is_refused(state);
	what_is_private_and_anonymous_is_taken(state);
	what_is_a_range_already_is_said_to_be_one(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_mapped_is_refused),
		cmocka_unit_test(what_is_shared_is_refused),
		cmocka_unit_test(what_is_of_a_file_is_refused),
		cmocka_unit_test(what_may_not_be_touched_is_refused),
		cmocka_unit_test(huge_pages_of_hugetlbfs_are_refused),
		cmocka_unit_test(what_is_private_and_anonymous_is_taken),
		cmocka_unit_test(what_is_a_range_already_is_said_to_be_one),
		cmocka_unit_test(an_older_kernel_says_the_same),
	};

	return cmocka_run_group_tests_name("test_adoptable", tests, set_up, tear_down);
}
