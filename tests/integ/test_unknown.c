// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a daemon that starts cannot find out: whether a program lives, what its ledger says. Neither is an end, and
 * nobody gets the slots that are that program's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/ledger.h"
#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/deny.h"
#include "tests/support/move.h"
#include "tests/support/other.h"
#include "tests/support/seen.h"
#include "tests/support/words.h"

enum { SLOTS = 8, OTHERS = 3, SEED = 61 };
#define OTHERS_SIZE (OTHERS * HUGE_PAGE)

/* A daemon with a device of SLOTS pages in a file, and another program with OTHERS of them. */
struct two {
	struct house *house;
	struct other other;
	char ledger[256], aside[256];
};

static struct house *with_file(void)
{
	struct house *h = house_prepare(NULL);
	char config[512];

	snprintf(config, sizeof(config), "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 32M\n"
		 "[tier far]\nkind = file\npath = %s/far\ncapacity = %uM\n[policy default]\nengine = static\ntrack = no\n",
		 h->dir, SLOTS * 2);
	house_write_config(h, config);
	house_start(h);
	return h;
}

static void find_ledger(const struct house *h, char *ret)
{
	char command[HOUSE_PATH + 64];
	FILE *f;

	snprintf(command, sizeof(command), "ls %s/*.ledger", h->state);
	f = popen(command, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%255s", ret), 1);
	assert_int_equal(pclose(f), 0);
}

static void copy(const char *from, const char *to)
{
	char command[600];

	snprintf(command, sizeof(command), "cat %s > %s", from, to);
	assert_int_equal(system(command), 0);
}

static void write_word(const char *path, uint64_t place, uint64_t value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, &value, sizeof(value), (off_t)(place * sizeof(value))), sizeof(value));
	close(fd);
}

static void another_version(const char *path)
{
	write_word(path, LEDGER_H_VERSION, LEDGER_VERSION + 1);
}

static void no_magic(const char *path)
{
	write_word(path, LEDGER_H_MAGIC, 0);
}

static void a_link_out_of_it(const char *path)
{
	write_word(path, LEDGER_ROOT * LEDGER_FANOUT, UINT64_MAX);
}

static void cut_short(const char *path)
{
	assert_int_equal(truncate(path, 100), 0);
}

static void emptied(const char *path)
{
	assert_int_equal(truncate(path, 0), 0);
}

static void not_to_be_opened(const char *path)
{
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
}

struct damage {
	void (*do_it)(const char *path);
	const char *text;		/* as it is named */
};
static const struct damage damages[] = {
	{ another_version, "another version of hmmd wrote it" }, { no_magic, "it is damaged" },
	{ a_link_out_of_it, "it is damaged" }, { cut_short, "it is damaged" }, { emptied, "it is damaged" },
	{ not_to_be_opened, "Is a directory" },
};

/* The program is stopped, so that it does not give its memory up itself. */
static void begin(struct two *x)
{
	*x = (struct two){ .house = with_file() };
	other_begin(&x->other, x->house, OTHERS_SIZE, SEED, 0);
	assert_int_equal(other_looks(&x->other), 0);
	find_ledger(x->house, x->ledger);
	snprintf(x->aside, sizeof(x->aside), "%s/aside", x->house->dir);
	assert_int_equal(kill(x->other.pid, SIGSTOP), 0);
	house_kill(x->house);
	copy(x->ledger, x->aside);
}

static void mend(struct two *x)
{
	if (rmdir(x->ledger))
		unlink(x->ledger);
	copy(x->aside, x->ledger);
	unlink(x->aside);
}

static void assert_named(struct two *x, struct hmm_client *c, const char *why)
{
	char text[256];

	ask_text(c, "doctor", "check", "ledgers", "state", text, sizeof(text));
	assert_string_equal(text, "degraded");
	ask_text(c, "doctor", "check", "ledgers", "text", text, sizeof(text));
	assert_non_null(strstr(text, strrchr(x->ledger, '/')));
	assert_non_null(strstr(text, why));
	ask_text(c, "status", NULL, NULL, "reason", text, sizeof(text));
	assert_non_null(strstr(text, strrchr(x->ledger, '/')));
	assert_true(house_logged(x->house, text));
}

/* All that is free of the device and no more, however often it is asked for. */
static void fill_the_device(struct hmm_client *c)
{
	struct hmm_range *r = range_away(c, (SLOTS - OTHERS) * HUGE_PAGE, SEED + 1), *more = NULL;
	struct hmm_move_result result;

	assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &more), 0);
	fill_to_rest(c, more, SEED + 2);
	move_some(more, 0, 0, "far", &result);
	assert_int_equal(result.moved, 0);
	assert_int_equal(words_bad(hmm_range_addr(r), (SLOTS - OTHERS) * HUGE_PAGE, SEED + 1), 0);
}

static void a_ledger_that_cannot_be_used(const struct damage *damage)
{
	struct hmm_client *c;
	struct two x;

	begin(&x);
	damage->do_it(x.ledger);
	house_start(x.house);
	c = house_client(x.house, "unknown", 0);
	assert_named(&x, c, damage->text);
	fill_the_device(c);
	hmm_client_unref(c);
	assert_soon(count_files(x.house->state, ".ledger") == 1);
	house_kill(x.house);
	mend(&x);
	house_start(x.house);
	assert_int_equal(kill(x.other.pid, SIGCONT), 0);
	assert_int_equal(other_looks(&x.other), 0);
	other_end(&x.other);
	assert_soon(count_files(x.house->state, ".ledger") == 0);
	house_close(x.house);
}

static void a_ledger_that_cannot_be_used_keeps_its_slots(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++)
		a_ledger_that_cannot_be_used(&damages[i]);
}

/* Its process can be told by the header, and nobody else needs it. */
static void it_goes_with_its_program(void **state)
{
	struct hmm_client *c;
	struct hmm_range *r;
	struct two x;

	(void)state;
	begin(&x);
	a_link_out_of_it(x.ledger);
	house_start(x.house);
	c = house_client(x.house, "unknown", 0);
	assert_named(&x, c, "it is damaged");
	other_end(&x.other);
	assert_soon(access(x.ledger, F_OK) < 0 && errno == ENOENT);
	r = range_away(c, SLOTS * HUGE_PAGE, SEED + 1);
	assert_int_equal(words_bad(hmm_range_addr(r), SLOTS * HUGE_PAGE, SEED + 1), 0);
	hmm_client_unref(c);
	unlink(x.aside);
	house_close(x.house);
}

/* Then any slot may be the other's. */
static void without_a_map_no_slot_is_handed_out(void **state)
{
	struct hmm_move_result result;
	struct hmm_range *r = NULL;
	struct hmm_client *c;
	char map[HOUSE_PATH + 16];
	struct two x;

	(void)state;
	begin(&x);
	a_link_out_of_it(x.ledger);
	snprintf(map, sizeof(map), "%s/slots.1", x.house->state);
	assert_int_equal(truncate(map, 0), 0);
	for (int i = 0; i < 2; i++) {
		house_start(x.house);
		c = house_client(x.house, "unknown", 0);
		assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &r), 0);
		fill_to_rest(c, r, SEED + 1);
		move_some(r, 0, 0, "far", &result);
		assert_int_equal(result.moved, 0);
		if (i == 0) {
			hmm_client_unref(c);
			assert_soon(count_files(x.house->state, ".ledger") == 1);
			house_kill(x.house);
		}
	}
	assert_int_equal(unlink(x.ledger), 0);	/* the operator gives it up */
	move_all(r, 0, 0, "far");
	assert_int_equal(words_bad(hmm_range_addr(r), HUGE_PAGE, SEED + 1), 0);
	hmm_client_unref(c);
	other_end(&x.other);
	assert_soon(count_files(x.house->state, ".ledger") == 0);
	unlink(x.aside);
	house_close(x.house);
}

struct told {
	struct seen seen;
	_Atomic bool refused;
};

static void note(struct hmm_client *c, const struct hmm_event *e, void *userdata)
{
	struct told *t = userdata;

	seen_note(c, e, &t->seen);
	if (e->type == HMM_EVENT_NOTICE && e->text && strstr(e->text, ".ledger cannot be used: it is damaged"))
		atomic_store(&t->refused, true);
}

static void its_program_is_told_and_waits(void **state)
{
	struct two x = { .house = with_file() };
	struct hmm_client *c = house_client(x.house, "unknown", 0);
	struct hmm_range *r = range_away(c, OTHERS_SIZE, SEED);
	struct told told = { .refused = false };

	(void)state;
	assert_int_equal(hmm_client_set_event_handler(c, note, &told), 0);
	find_ledger(x.house, x.ledger);
	snprintf(x.aside, sizeof(x.aside), "%s/aside", x.house->dir);
	house_kill(x.house);
	copy(x.ledger, x.aside);
	write_word(x.ledger, LEDGER_ROOT * LEDGER_FANOUT, UINT64_MAX);
	house_start(x.house);
	assert_soon(atomic_load(&told.refused));
	house_kill(x.house);
	copy(x.aside, x.ledger);	/* into the file that it has mapped */
	unlink(x.aside);
	house_start(x.house);
	assert_soon(atomic_load(&told.seen.reconnected) == 1);
	assert_int_equal(words_bad(hmm_range_addr(r), OTHERS_SIZE, SEED), 0);
	assert_int_equal(atomic_load(&told.seen.lost), 0);
	hmm_client_unref(c);
	house_close(x.house);
}

/* From here no child gets a pidfd of this process: the last test, since nothing takes that back. */
static void whether_a_program_lives(void **state)
{
	struct house *h = with_file();
	struct hmm_client *c = house_client(h, "unknown", 0);
	struct hmm_range *r = range_away(c, OTHERS_SIZE, SEED);
	struct seen seen = { 0 };

	(void)state;
	assert_int_equal(hmm_client_set_event_handler(c, seen_note, &seen), 0);
	house_kill(h);
	assert_true(deny_pidfd(getpid()));
	house_start(h);
	assert_soon(atomic_load(&seen.reconnected) == 1);
	assert_int_equal(words_bad(hmm_range_addr(r), OTHERS_SIZE, SEED), 0);
	assert_int_equal(atomic_load(&seen.lost), 0);
	hmm_client_unref(c);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ledger_that_cannot_be_used_keeps_its_slots),
		cmocka_unit_test(it_goes_with_its_program),
		cmocka_unit_test(without_a_map_no_slot_is_handed_out),
		cmocka_unit_test(its_program_is_told_and_waits),
		cmocka_unit_test(whether_a_program_lives),
	};

	return cmocka_run_group_tests_name("what cannot be known", tests, NULL, NULL);
}
