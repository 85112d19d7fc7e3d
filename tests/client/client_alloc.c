// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Managed ranges: mapped, aligned, faulted in by the daemon, and wholly gone when freed or refused.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/client/fake.h"

/* Whether smaps says of the mapping at addr that it has that flag ("dc": not copied on fork). */
static bool has_vm_flag(const void *addr, const char *flag)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	char line[512];
	unsigned long start, end;
	bool inside = false, found = false;

	assert_non_null(smaps);
	while (fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = start <= (uintptr_t)addr && (uintptr_t)addr < end;
		else if (inside && strncmp(line, "VmFlags:", 8) == 0)
			found = strstr(line, flag) != NULL;
	}
	fclose(smaps);
	return found;
}

static void memory_comes_from_the_daemon(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c;
	struct hmm_range *r = NULL;
	uint8_t *p;

	need_userfaultfd();
	c = fake_client(f, 0);
	FAKE_SET(f, fill, 0x5a);
	assert_int_equal(hmm_alloc(c, 4 * HUGE_PAGE, NULL, &r), 0);
	p = hmm_range_addr(r);
	assert_int_equal((uintptr_t)p % HUGE_PAGE, 0);
	assert_int_equal(hmm_range_size(r), 4 * HUGE_PAGE);
	assert_string_equal(hmm_range_name(r), "");
	assert_int_equal(FAKE_GET(f, ranges[0].addr), (uintptr_t)p);
	assert_int_equal(p[3 * HUGE_PAGE + 5], 0x5a);
	assert_int_equal(FAKE_GET(f, faults), 1);
	p[3 * HUGE_PAGE + 5] = 1;
	assert_int_equal(p[3 * HUGE_PAGE + 5], 1);
	assert_true(has_vm_flag(p, " dc"));
	assert_int_equal(hmm_range_free(r), 0);
	assert_int_equal(fake_count(f, HMMD__MESSAGE__KIND_FREE), 1);
	assert_int_equal(msync(p, HUGE_PAGE, MS_ASYNC), -1);
	assert_int_equal(errno, ENOMEM);
	hmm_client_unref(c);
}

static void the_userfaultfd_is_sent_once(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c;
	struct hmm_range *r[3];

	need_userfaultfd();
	c = fake_client(f, 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &r[i]), 0);
	assert_int_equal(fake_count(f, HMMD__MESSAGE__KIND_ATTACH_UFFD), 1);
	/* The last unref frees them. */
	assert_null(hmm_client_unref(c));
	assert_int_equal(fake_count(f, HMMD__MESSAGE__KIND_FREE), 1);
}

static void options_reach_the_daemon(void **state)
{
	struct fake *f = *state;
	struct hmm_range_options o = HMM_RANGE_OPTIONS_INIT;
	struct hmm_client *c;
	struct hmm_range *r;

	need_userfaultfd();
	c = fake_client(f, 0);
	o.name = "index";
	assert_int_equal(hmm_alloc(c, HUGE_PAGE, &o, &r), 0);
	assert_string_equal(hmm_range_name(r), "index");
	assert_true(has_vm_flag(hmm_range_addr(r), " dc"));
	assert_int_equal(hmm_range_free(r), 0);
	hmm_client_unref(c);
}

static bool refuse(struct fake *f, uint64_t id, const Hmmd__Message *m, const int *fds,
		   size_t n_fds)
{
	Hmmd__Message__KindCase kind = *(Hmmd__Message__KindCase *)f->script_data;

	(void)fds;
	(void)n_fds;
	if (m->kind_case != kind)
		return false;
	fake_error(f, id, EDQUOT, "quota of uid 0: 1G of 1G in use");
	return true;
}

static void a_refusal_leaves_nothing(void **state)
{
	static Hmmd__Message__KindCase kinds[] = { HMMD__MESSAGE__KIND_ATTACH_UFFD,
						   HMMD__MESSAGE__KIND_ALLOC,
						   HMMD__MESSAGE__KIND_MAP_RANGE };
	struct fake *f = *state;
	struct hmm_client *c;
	struct hmm_range *r = NULL;
	size_t fds;

	need_userfaultfd();
	c = fake_client(f, 0);
	assert_string_equal(hmm_client_last_error(c), "");
	for (size_t i = 0; i < 3; i++) {
		fake_set_script(f, refuse, &kinds[i]);
		assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &r), -EDQUOT);
		assert_null(r);
		assert_string_equal(hmm_client_last_error(c), "quota of uid 0: 1G of 1G in use");
	}
	/* The file that the daemon had made for the third is given back. */
	assert_soon(fake_count(f, HMMD__MESSAGE__KIND_FREE) == 1);
	fds = count_fds();
	assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &r), -EDQUOT);
	/* Each attempt leaves one file with the fake, none with the library. */
	assert_int_equal(count_fds(), fds + 1);
	hmm_client_unref(c);
}

static bool wrong_size(struct fake *f, uint64_t id, const Hmmd__Message *m, const int *fds,
		       size_t n_fds)
{
	Hmmd__AllocReply reply = HMMD__ALLOC_REPLY__INIT;
	Hmmd__Message answer = FAKE_MESSAGE(ALLOC_REPLY, alloc_reply, &reply);
	int file;

	(void)fds;
	(void)n_fds;
	if (m->kind_case != HMMD__MESSAGE__KIND_ALLOC)
		return false;
	file = memfd_create("short", MFD_CLOEXEC);
	reply.range = 1;
	assert_int_equal(ftruncate(file, (off_t)m->alloc->size / 2), 0);
	fake_reply(f, id, &answer, &file, 1);
	close(file);
	return true;
}

static void a_file_of_the_wrong_size_is_not_mapped(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c;
	struct hmm_range *r = NULL;

	need_userfaultfd();
	c = fake_client(f, 0);
	fake_set_script(f, wrong_size, NULL);
	assert_int_equal(hmm_alloc(c, 2 * HUGE_PAGE, NULL, &r), -EPROTO);
	assert_null(r);
	assert_soon(fake_count(f, HMMD__MESSAGE__KIND_FREE) == 1);
	hmm_client_unref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_TEST(memory_comes_from_the_daemon),
		FAKE_TEST(the_userfaultfd_is_sent_once),
		FAKE_TEST(options_reach_the_daemon),
		FAKE_TEST(a_refusal_leaves_nothing),
		FAKE_TEST(a_file_of_the_wrong_size_is_not_mapped),
	};

	return cmocka_run_group_tests_name("client_alloc", tests, NULL, NULL);
}
