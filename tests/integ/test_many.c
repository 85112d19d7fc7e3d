// SPDX-License-Identifier: GPL-2.0-or-later
/* Ten thousand ranges: a handful of messages to register, whole listings in pages, all freed again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/support/ask.h"
#include "tests/support/rawpeer.h"
#include "tests/support/test.h"
#include "tests/support/witness.h"

enum { MANY = 10000, PAGE = 4096, CLIENTS = 40 };

static void registered_listed_freed(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	struct hmm_client *c = house_client(h, "many", 0);
	char *memory = mmap(NULL, 2ULL * MANY * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct hmm_range **ranges = calloc(MANY, sizeof(struct hmm_range *));
	void **addrs = calloc(MANY, sizeof(void *));
	size_t *sizes = calloc(MANY, sizeof(size_t));
	struct hmm_range *overlap = NULL;

	(void)state;
	assert_true(memory != MAP_FAILED && ranges && addrs && sizes);
	for (size_t i = 0; i < MANY; i++) {
		addrs[i] = memory + 2 * i * PAGE;
		sizes[i] = PAGE;
	}
	assert_true(hmm_register_many(c, MANY, addrs, sizes, NULL, ranges) >= 0);
	assert_int_equal(ask_status(c, "ranges"), MANY);
	assert_int_equal(ask_status(c, "adopted_bytes"), (uint64_t)MANY * PAGE);
	assert_int_equal(ask_rows(c, "ranges", NULL), MANY);
	assert_int_equal(ask_sum(c, "ranges", "size"), (uint64_t)MANY * PAGE);
	assert_int_equal(hmm_range_addr(ranges[MANY - 1]), addrs[MANY - 1]);
	assert_int_equal(hmm_register(c, addrs[MANY / 2], PAGE, NULL, &overlap), -EEXIST);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(hmm_range_free(ranges[i]), 0);
	assert_int_equal(ask_status(c, "ranges"), 0);
	hmm_client_unref(c);
	munmap(memory, 2ULL * MANY * PAGE);
	free(ranges);
	free(addrs);
	free(sizes);
	house_close(h);
}

/* One bad entry in the last message, and none of the ten thousand is registered. */
static void all_or_none(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	struct hmm_client *c = house_client(h, "many", 0);
	struct hmm_range **ranges = calloc(MANY, sizeof(struct hmm_range *));
	void **addrs = calloc(MANY, sizeof(void *));
	size_t *sizes = calloc(MANY, sizeof(size_t));
	char *memory = mmap(NULL, 2ULL * MANY * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(memory != MAP_FAILED && ranges && addrs && sizes);
	for (size_t i = 0; i < MANY; i++) {
		addrs[i] = memory + 2 * i * PAGE;
		sizes[i] = PAGE;
	}
	addrs[MANY - 1] = addrs[0];
	assert_int_equal(hmm_register_many(c, MANY, addrs, sizes, NULL, ranges), -EEXIST);
	assert_int_equal(ask_status(c, "ranges"), 0);
	hmm_client_unref(c);
	munmap(memory, 2ULL * MANY * PAGE);
	free(ranges);
	free(addrs);
	free(sizes);
	house_close(h);
}

static uint64_t query_page(struct rawpeer *p, uint64_t cursor, size_t *ret_rows)
{
	Hmmd__Query query = HMMD__QUERY__INIT;
	RAW_MESSAGE(m, QUERY, query, &query);
	Hmmd__Message *answer;

	query.topic = "ranges";
	query.arg = "";
	query.cursor = cursor;
	answer = rawpeer_call(p, &m, NULL, 0);
	assert_non_null(answer);
	assert_int_equal(answer->kind_case, HMMD__MESSAGE__KIND_QUERY_REPLY);
	assert_true(answer->query_reply->n_row <= HMM_LIMIT_ROWS);
	*ret_rows = answer->query_reply->n_row;
	return answer->query_reply->next_cursor;
}

/* The pages of a listing are small, each row comes once, and a made-up cursor does no harm. */
static void listings_come_in_pages(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	struct rawpeer *p = rawpeer_open(h->socket);
	Hmmd__Register reg = HMMD__REGISTER__INIT;
	RAW_MESSAGE(m, REGISTER, register_, &reg);
	static uint64_t addr[1000], size[1000];
	size_t rows = 0, all = 0, pages = 0;
	uint64_t cursor = 0;

	(void)state;
	rawpeer_hello(p);
	for (size_t i = 0; i < 1000; i++) {
		addr[i] = 0x10000000 + i * PAGE;
		size[i] = PAGE;
	}
	reg.addr = addr;
	reg.size = size;
	reg.n_addr = reg.n_size = 1000;
	assert_int_equal(rawpeer_refusal(p, &m, NULL, 0), 0);
	do {
		cursor = query_page(p, cursor, &rows);
		all += rows;
		pages++;
	} while (cursor);
	assert_int_equal(all, 1000);
	assert_true(pages > 1);
	query_page(p, UINT64_MAX, &rows);
	assert_int_equal(rawpeer_ping(p), 0);
	rawpeer_close(p);
	house_close(h);
}

/* Adopted and managed ranges of many clients side by side. */
static void many_clients(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	struct hmm_client *clients[CLIENTS], *watch = house_client(h, "watch", HMM_CLIENT_NO_HELPER);
	struct hmm_range *ranges[CLIENTS];
	int before;

	(void)state;
	/* By its second answer the daemon has seen the end of every connection before it. */
	assert_int_equal(ask_rows(watch, "clients", NULL), 0);
	before = count_descriptors_at_rest(h->pid);
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = house_client(h, "one of many", 0);
		assert_int_equal(hmm_alloc(clients[i], HUGE_PAGE, NULL, &ranges[i]), 0);
		memset(hmm_range_addr(ranges[i]), i + 1, HUGE_PAGE);
	}
	assert_int_equal(ask_rows(watch, "clients", NULL), CLIENTS);
	for (int i = 0; i < CLIENTS; i++) {
		const char *p = hmm_range_addr(ranges[i]);

		assert_int_equal(p[HUGE_PAGE / 2], i + 1);
		hmm_client_unref(clients[i]);
	}
	assert_soon(ask_status(watch, "clients") == 0);
	assert_soon(ask_sum(watch, "tiers", "used") == 0);
	assert_soon(count_descriptors(h->pid) == before);
	hmm_client_unref(watch);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registered_listed_freed),
		cmocka_unit_test(all_or_none),
		cmocka_unit_test(listings_come_in_pages),
		cmocka_unit_test(many_clients),
	};

	return cmocka_run_group_tests_name("many ranges", tests, NULL, NULL);
}
