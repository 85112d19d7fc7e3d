// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an administrator has got wrong under a real systemd, and mends: programs that hold memory meanwhile lose
 * nothing, and what hmmd prints as the remedy is one.
 */
#include <errno.h>
#include <string.h>

#include "tests/support/ask.h"
#include "tests/support/move.h"
#include "tests/support/words.h"
#include "tests/vm/programs/patience.h"
#include "tests/vm/programs/unit.h"
#include "tests/vm/programs/work.h"

enum { SEED = 4 };
#define PAUSE_US 5000000ULL	/* before it is tried again, as the unit has it */
#define DROP_INS "/etc/hmmd/hmmd.conf.d"

static int start_service(void **state)
{
	(void)state;
	return unit_run("systemctl start hmmd.socket hmmd && mkdir -p " DROP_INS);
}

/* The end of a try that was refused, since the machine started; 0: the service is at something else. */
static uint64_t refused_us(void)
{
	char line[256];
	unsigned long long at = 0;
	int status = 0;

	/* Both of one moment, in the order that systemd has. */
	unit_line(line, sizeof(line), "systemctl show -p ExecMainExitTimestampMonotonic -p ExecMainStatus " UNIT " | paste -s");
	sscanf(line, "ExecMainExitTimestampMonotonic=%llu ExecMainStatus=%d", &at, &status);
	return status == 2 ? at : 0;
}

static void is_tried_again(void)
{
	uint64_t end = 0, begin = 0;

	vm_soon((end = refused_us()));
	vm_soon((begin = unit_number("ExecMainStartTimestampMonotonic")) > end);
	print_message("# tried again after %llu ms\n", (unsigned long long)(begin - end) / 1000);
	assert_true(begin - end >= PAUSE_US);
}

/* It is tried again, slowly, and not given up: what it knows of its clients is in the store all the time. */
static void a_bad_configuration_costs_nothing(void **state)
{
	struct hmm_client *c = work_client("misspelt");
	struct hmm_range *r = work_range(c);
	unsigned long stored;

	(void)state;
	words_fill(hmm_range_addr(r), WORK_SIZE, SEED);
	move_all(r, 0, WORK_SIZE / 2, "far");
	move_all(r, WORK_SIZE / 2, WORK_SIZE / 4, "disk");
	stored = unit_number("NFileDescriptorStore");
	assert_true(stored >= 2);
	assert_int_equal(unit_run("echo '[tear]' >" DROP_INS "/bad.conf"), 0);
	assert_int_equal(unit_run("systemctl restart --no-block hmmd"), 0);
	is_tried_again();
	assert_int_equal(unit_number("NFileDescriptorStore"), stored);
	assert_int_equal(unit_run("rm " DROP_INS "/bad.conf && systemctl restart hmmd"), 0);
	vm_soon(unit_is("ActiveState", "active"));
	assert_int_equal(words_bad(hmm_range_addr(r), WORK_SIZE, SEED), 0);
	assert_int_equal(hmm_range_free(r), 0);
	hmm_client_unref(c);
}

/* What doctor says of tiers that do not work, and then does about it. */
static void tiers_are(const char *text)
{
	struct hmm_client *c = work_client("doctor");
	char is[256];

	ask_text(c, "doctor", "check", "tiers", "text", is, sizeof(is));
	print_message("# tiers: %s\n", is);
	assert_non_null(strstr(is, text));
	hmm_client_unref(c);
}

static void type_the_remedy(void)
{
	struct hmm_client *c = work_client("remedy");
	char remedy[640];

	ask_text(c, "doctor", "check", "tiers", "remedy", remedy, sizeof(remedy));
	hmm_client_unref(c);
	print_message("# remedy: %s\n", remedy);
	assert_int_equal(unit_run("%s", remedy), 0);
}

static void a_file_that_the_unit_denies_is_allowed(void **state)
{
	(void)state;
	assert_int_equal(unit_run("mkdir -p /srv/tiers && printf '[tier there]\nkind = file\npath = /srv/tiers/there\n"
				  "capacity = 16M\n' >" DROP_INS "/there.conf && systemctl restart hmmd"), 0);
	tiers_are("/srv/tiers/there: Read-only file system");
	type_the_remedy();
	tiers_are("/srv/tiers/there: Permission denied");
	type_the_remedy();
	tiers_are("all 4 opened");
}

/* A node without a device behind it, so that this is what remains. */
static void a_device_that_the_unit_denies_is_allowed(void **state)
{
	(void)state;
	assert_int_equal(unit_run("mknod -m 660 /dev/spare b 240 0 && chgrp disk /dev/spare && printf '[tier spare]\n"
				  "kind = file\npath = /dev/spare\ncapacity = 16M\n' >" DROP_INS "/spare.conf && "
				  "systemctl restart hmmd"), 0);
	tiers_are("/dev/spare: Permission denied");
	type_the_remedy();
	tiers_are("/dev/spare: No such device or address");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bad_configuration_costs_nothing),
		cmocka_unit_test(a_file_that_the_unit_denies_is_allowed),
		cmocka_unit_test(a_device_that_the_unit_denies_is_allowed),
	};

	return cmocka_run_group_tests(tests, start_service, NULL);
}
