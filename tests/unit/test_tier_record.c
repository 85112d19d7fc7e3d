// SPDX-License-Identifier: GPL-2.0-or-later
/* The record of the tiers: what was written is kept to, and a damaged one is no permission to guess. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/io/config_file.h"
#include "daemon/io/tier_record.h"
#include "tests/support/test.h"

static char dir[] = "/tmp/test_tier_record.XXXXXX", path[64];
static struct config c;
static char text[256];

static void add(const char *name, enum tier_kind kind, uint64_t pages, const char *where)
{
	struct tier_config *t = &c.tiers[c.n_tiers++];

	config_tier_defaults(t);
	strcpy(t->name, name);
	strcpy(t->path, where);
	t->kind = kind;
	t->nodes = kind == TIER_NUMA;
	t->capacity = pages * HUGE_PAGE;
}

static void fresh(void)
{
	config_defaults(&c);
	strcpy(c.state_dir, dir);
	add("dram", TIER_NUMA, 8, "");
	add("disk", TIER_FILE, 16, "/a path/with blanks ");
	add("far", TIER_MEMORY, 4, "");
}

static int open_dir(void **state)
{
	struct world *w;
	int r;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/tiers", dir);
	fresh();
	r = world_new(&w, &c, 1);
	if (!r)
		r = tier_record_write(w, &c);
	world_free(w);
	return r;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path);
	if (rmdir(dir))
		return -1;
	strcpy(strrchr(dir, '.'), ".XXXXXX");
	return 0;
}

static int keep(void)
{
	strcpy(text, "");
	return tier_record_keep(dir, &c, text, sizeof(text));
}

static void refused(const char *words)
{
	assert_int_equal(keep(), -EINVAL);
	if (!strstr(text, words))
		fail_msg("\"%s\" lacks \"%s\"", text, words);
	fresh();
}

static void what_was_written_fits(void **state)
{
	static struct config before;

	(void)state;
	before = c;
	assert_int_equal(keep(), 0);
	assert_memory_equal(&c, &before, sizeof(c));
	c.tiers[0] = before.tiers[2];
	c.tiers[2] = before.tiers[0];
	c.tiers[1].capacity = 2 * HUGE_PAGE;
	assert_int_equal(keep(), 0);
	assert_string_equal(c.tiers[0].name, "dram");
	assert_string_equal(c.tiers[2].name, "far");
	assert_int_equal(c.tiers[1].capacity, 16 * HUGE_PAGE);	/* not smaller */
	fresh();
	c.tiers[1].capacity = 32 * HUGE_PAGE;
	c.tiers[0].capacity = 2 * HUGE_PAGE;
	assert_int_equal(keep(), 0);
	assert_int_equal(c.tiers[1].capacity, 32 * HUGE_PAGE);
	assert_int_equal(c.tiers[0].capacity, 2 * HUGE_PAGE);	/* memory of the machine is no device */
}

static void another_tier_is_named(void **state)
{
	(void)state;
	c.n_tiers = 2, refused("tier far is missing");
	strcpy(c.tiers[1].name, "disc"), refused("tier disk is missing");
	c.tiers[2].kind = TIER_FILE, refused("tier far has another kind");
	strcpy(c.tiers[1].path, "/a path"), refused("tier disk has another path");
	c.tiers[2].index = 1, refused("tier far has another path or device");
}

static void no_record_asks_nothing(void **state)
{
	(void)state;
	assert_int_equal(unlink(path), 0);
	c.n_tiers = 1;
	assert_int_equal(keep(), 0);
	assert_int_equal(c.n_tiers, 1);
}

static void put(const char *record)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(record, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

#define FIRST "hmmd tiers 2\n"
#define NONE " 0 00000000000000000000000000000000 "

static void identities_come_back(void **state)
{
	(void)state;
	put(FIRST "3 0 33554432 7 000102030405060708090a0b0c0d0eff disk /a path/with blanks \n");
	assert_int_equal(keep(), 0);
	assert_string_equal(c.tiers[0].name, "disk");
	assert_int_equal(c.tiers[0].generation, 7);
	assert_int_equal(c.tiers[0].uuid[1], 1);
	assert_int_equal(c.tiers[0].uuid[15], 255);
	assert_int_equal(c.tiers[1].generation, 0);
}

static void another_version_is_named(void **state)
{
	(void)state;
	put("1 0 16777216 dram\n");
	assert_true(keep() < 0);
	assert_non_null(strstr(text, path));
	assert_non_null(strstr(text, "another version of hmmd"));
}

static void damage_is_said(void **state)
{
	static const char *const damaged[] = {
		"", FIRST "\n", FIRST "x\n", FIRST "1 0 5\n", FIRST "0 0 5" NONE "dram\n", FIRST "6 0 5" NONE "dram\n",
		FIRST "1 0 16777216" NONE "dram\n1 0 16777216" NONE "dram\n",
		FIRST "1 0 16777216" NONE "dram\n\n2 0 8388608" NONE "far\n", FIRST "1 0 5 0 00 dram\n",
	};
	char many[HMM_LIMIT_TIERS * 96] = FIRST;

	(void)state;
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		put(damaged[i]);
		assert_int_equal(keep(), -EBADMSG);
		assert_non_null(strstr(text, path));
	}
	for (size_t i = 0, n = strlen(many); i <= HMM_LIMIT_TIERS; i++)
		n += (size_t)snprintf(many + n, sizeof(many) - n, "2 0 2097152" NONE "t%zu\n", i);
	put(many);
	assert_int_equal(keep(), -EBADMSG);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(keep() < 0);
	rmdir(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_written_fits),
		TEST(another_tier_is_named),
		TEST(no_record_asks_nothing),
		TEST(identities_come_back),
		TEST(another_version_is_named),
		TEST(damage_is_said),
	};

	return cmocka_run_group_tests_name("record of the tiers", tests, NULL, NULL);
}
