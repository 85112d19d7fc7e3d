// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A daemon that is killed while it gives slots back: at that instant no record and no word on disk names
 * the slot that somebody else may get next. The device itself kills it, before the slot is free.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/ledger.h"
#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/faulty_device.h"
#include "tests/support/move.h"
#include "tests/support/seen.h"
#include "tests/support/words.h"

enum { PAGES = 4, SEED = 51, FAR = 1 /* the place of the tier */, RECORD = 256 };
#define SIZE (PAGES * HUGE_PAGE)

struct deadly {
	struct faulty_switches *switches;
	struct house *house;
	struct hmm_client *client;
	struct hmm_range *stays;	/* on the device too, beside all that is freed */
	char path[64];
	struct seen seen;
	unsigned int starts;
};

static struct hmm_range *away(struct hmm_client *c, uint64_t seed)
{
	struct hmm_range *r = NULL;

	assert_int_equal(hmm_alloc(c, SIZE, NULL, &r), 0);
	fill_to_rest(c, r, seed);
	move_all(r, 0, 0, "far");
	return r;
}

static bool is_back(struct deadly *x)
{
	hmm_client_process(x->client);
	return atomic_load(&x->seen.reconnected) == x->starts;
}

static void start_again(struct deadly *x)
{
	house_start(x->house);
	x->starts++;
	assert_soon(is_back(x));
}

static void deadly_open(struct deadly *x)
{
	*x = (struct deadly){ .starts = 0 };
	struct house_options o = { .config = NULL };
	char config[512];

	x->switches = faulty_switches_new(&o, x->path);
	x->house = house_prepare(&o);
	snprintf(config, sizeof(config), "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 32M\n"
		 "[tier far]\nkind = file\npath = %s/far\ncapacity = 64M\n"
		 "[policy default]\nengine = static\ntrack = no\n", x->house->dir);
	house_write_config(x->house, config);
	house_start(x->house);
	/* Without a helper nothing of the client's happens between two calls of the test. */
	x->client = house_client(x->house, "freeing", HMM_CLIENT_NO_HELPER);
	assert_int_equal(hmm_client_set_event_handler(x->client, seen_note, &x->seen), 0);
	x->stays = away(x->client, SEED);
}

static uint64_t *contents(const struct house *h, const char *name, size_t *ret_words)
{
	char path[HOUSE_PATH + 256];
	struct stat st;
	uint64_t *words = NULL;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", h->state, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	words = calloc(1, (size_t)st.st_size + 1);
	assert_non_null(words);
	assert_int_equal(read(fd, words, (size_t)st.st_size), st.st_size);
	close(fd);
	*ret_words = (size_t)st.st_size / 8;
	return words;
}

/* Links are smaller than anything with a generation. */
static bool names_slot(uint64_t word, uint32_t slot)
{
	enum page_state s = page_word_state(word);

	return word >= PAGE_GENERATION_ONE && page_word_tier(word) == FAR && page_word_slot(word) == slot &&
	       (s == PAGE_COMMITTING || s == PAGE_DEVICE || s == PAGE_FILLING || s == PAGE_DISCARDING);
}

static unsigned int words_naming(const struct house *h, uint64_t client, uint32_t slot)
{
	unsigned int named = 0;
	uint64_t *words;
	char name[64];
	size_t n;

	snprintf(name, sizeof(name), "%llu.ledger", (unsigned long long)client);
	words = contents(h, name, &n);
	for (size_t i = 2 * LEDGER_FANOUT; i < n; i++)
		named += names_slot(words[i], slot);
	free(words);
	return named;
}

static unsigned int records(const struct house *h, uint64_t client)
{
	unsigned int used = 0;
	uint64_t *words;
	char name[64];
	size_t n;

	snprintf(name, sizeof(name), "%llu.ranges", (unsigned long long)client);
	words = contents(h, name, &n);
	for (size_t i = 0; i < n; i += RECORD / 8)
		used += words[i] != 0;
	free(words);
	return used;
}

static void assert_killed(struct house *h)
{
	int status = house_wait(h);

	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* It was killed at a slot: only the range that stays is on record, and it does not name that slot. */
static void only_one_is_left(struct deadly *x, uint64_t client)
{
	assert_killed(x->house);
	assert_int_equal(count_files(x->house->state, ".ledger"), 1);
	assert_int_equal(records(x->house, client), 1);
	assert_int_equal(words_naming(x->house, client, atomic_load(&x->switches->slot)), 0);
	atomic_store(&x->switches->die, false);
}

/* And its bytes are what they were, whoever gets the slots that were given back. */
static void deadly_close(struct deadly *x)
{
	struct hmm_range *r = away(x->client, SEED + 2);

	assert_int_equal(words_bad(hmm_range_addr(x->stays), SIZE, SEED), 0);
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED + 2), 0);
	assert_int_equal(ask_status(x->client, "lost_pages"), 0);
	hmm_client_unref(x->client);
	house_close(x->house);
	faulty_switches_free(x->switches, x->path);
}

static uint64_t client_of(struct hmm_client *c)
{
	return ask_number(c, "clients", NULL, NULL, "client");
}

static void a_range_is_freed(void **state)
{
	struct hmm_range *r;
	struct deadly x;
	uint64_t client;

	(void)state;
	deadly_open(&x);
	client = client_of(x.client);
	r = away(x.client, SEED + 1);
	atomic_store(&x.switches->die, true);
	assert_int_equal(hmm_range_free(r), 0);
	only_one_is_left(&x, client);
	start_again(&x);
	deadly_close(&x);
}

static bool comes_back_in_vain(struct deadly *x)
{
	hmm_client_process(x->client);
	return !house_alive(x->house);
}

static void a_range_was_freed_while_no_daemon_was_there(void **state)
{
	struct hmm_range *r;
	struct deadly x;
	uint64_t client;

	(void)state;
	deadly_open(&x);
	client = client_of(x.client);
	r = away(x.client, SEED + 1);
	house_kill(x.house);
	assert_int_equal(hmm_range_free(r), 0);
	house_start(x.house);
	atomic_store(&x.switches->die, true);
	assert_soon(comes_back_in_vain(&x));
	only_one_is_left(&x, client);
	start_again(&x);
	deadly_close(&x);
}

static pid_t other_program(struct deadly *x)
{
	int ready[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		away(house_client(x->house, "other", 0), SEED + 1);
		if (write(ready[1], "r", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void a_program_ends(void **state)
{
	struct deadly x;
	uint64_t client;
	pid_t pid;

	(void)state;
	deadly_open(&x);
	client = client_of(x.client);
	pid = other_program(&x);
	atomic_store(&x.switches->die, true);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	only_one_is_left(&x, client);
	start_again(&x);
	deadly_close(&x);
}

static void a_program_ends_while_no_daemon_was_there(void **state)
{
	struct deadly x;
	uint64_t client;
	pid_t pid;

	(void)state;
	deadly_open(&x);
	client = client_of(x.client);
	pid = other_program(&x);
	kill(pid, SIGSTOP);
	house_kill(x.house);
	start_again(&x);
	atomic_store(&x.switches->die, true);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	only_one_is_left(&x, client);
	start_again(&x);
	deadly_close(&x);
}

/* What is on record twice is claimed twice, and then one of both is lost. */
static void a_new_range_lies_where_one_was_freed(void **state)
{
	struct hmm_range *r, *again;
	struct deadly x;
	uint64_t client;

	(void)state;
	deadly_open(&x);
	client = client_of(x.client);
	r = away(x.client, SEED + 1);
	house_kill(x.house);
	assert_int_equal(hmm_range_free(r), 0);
	start_again(&x);
	again = away(x.client, SEED + 3);
	assert_int_equal(records(x.house, client), 2);
	house_kill(x.house);
	start_again(&x);
	assert_int_equal(words_bad(hmm_range_addr(again), SIZE, SEED + 3), 0);
	deadly_close(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_range_is_freed),
		cmocka_unit_test(a_range_was_freed_while_no_daemon_was_there),
		cmocka_unit_test(a_program_ends),
		cmocka_unit_test(a_program_ends_while_no_daemon_was_there),
		cmocka_unit_test(a_new_range_lies_where_one_was_freed),
	};

	return cmocka_run_group_tests_name("freeing", tests, NULL, NULL);
}
