// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tiers and listings: fetched to the last page, typed by cell, bounded whatever the daemon sends.
 */
#include <errno.h>
#include <string.h>

#include "tests/client/fake.h"

static void tiers(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, 0);
	struct hmm_tier_info info[3] = { { .size = sizeof(info[0]) }, { .size = sizeof(info[0]) },
					 { .size = sizeof(info[0]) } };
	size_t n = 0;

	assert_int_equal(hmm_tiers(c, NULL, 0, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(hmm_tiers(c, info, 1, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(info[0].name, "dram");
	assert_string_equal(info[1].name, "");
	assert_int_equal(hmm_tiers(c, info, 3, &n), 0);
	assert_int_equal(info[0].kind, HMM_TIER_KIND_NUMA);
	assert_int_equal(info[0].capacity, 1ULL << 30);
	assert_int_equal(info[0].free, 1ULL << 29);
	assert_string_equal(info[1].name, "far");
	assert_int_equal(info[1].node, -1);
	assert_int_equal(info[1].read_latency_ns, 900);
	assert_string_equal(info[2].name, "");
	/* A program of an older header has shorter entries; each is filled as far as it goes. */
	info[1].size = offsetof(struct hmm_tier_info, capacity);
	memset(&info[1].capacity, 0xee, sizeof(info[1].capacity));
	info[0].size = sizeof(info[0]);
	assert_int_equal(hmm_tiers(c, info, 2, &n), 0);
	assert_string_equal(info[1].name, "far");
	assert_true(info[1].capacity == 0xeeeeeeeeeeeeeeeeULL);
	hmm_client_unref(c);
}

enum { PAGES = 3, ROWS = 100 };

/* A listing of PAGES pages of ROWS rows: number, text, nothing. */
static bool listing(struct fake *f, uint64_t id, const Hmmd__Message *m, const int *fds,
		    size_t n_fds)
{
	Hmmd__Cell cells[ROWS][3], *cell_lists[ROWS][3];
	Hmmd__Row rows[ROWS], *row_list[ROWS];
	Hmmd__Column columns[3], *column_list[3] = { &columns[0], &columns[1], &columns[2] };
	Hmmd__QueryReply reply = HMMD__QUERY_REPLY__INIT;
	Hmmd__Message answer = FAKE_MESSAGE(QUERY_REPLY, query_reply, &reply);
	static char *names[] = { "pid", "program", "unit" };

	(void)fds;
	(void)n_fds;
	if (m->kind_case != HMMD__MESSAGE__KIND_QUERY || strcmp(m->query->topic, "clients") != 0)
		return false;
	for (size_t i = 0; i < 3; i++) {
		hmmd__column__init(&columns[i]);
		columns[i].name = names[i];
		columns[i].unit = i == 0 ? HMM_UNIT_NUMBER : HMM_UNIT_TEXT;
	}
	for (size_t i = 0; i < ROWS; i++) {
		for (size_t j = 0; j < 3; j++) {
			hmmd__cell__init(&cells[i][j]);
			cell_lists[i][j] = &cells[i][j];
		}
		cells[i][0].value_case = HMMD__CELL__VALUE_NUMBER;
		cells[i][0].number = m->query->cursor * ROWS + i;
		cells[i][1].value_case = HMMD__CELL__VALUE_TEXT;
		cells[i][1].text = m->query->arg;
		hmmd__row__init(&rows[i]);
		rows[i].cell = cell_lists[i];
		rows[i].n_cell = 3;
		row_list[i] = &rows[i];
	}
	reply.column = column_list;
	reply.n_column = 3;
	reply.row = row_list;
	reply.n_row = ROWS;
	reply.next_cursor = m->query->cursor + 1 < PAGES ? m->query->cursor + 1 : 0;
	fake_reply(f, id, &answer, NULL, 0);
	return true;
}

static void a_listing_of_several_pages(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, 0);
	struct hmm_table *t = NULL;

	fake_set_script(f, listing, NULL);
	assert_int_equal(hmm_query(c, "clients", "argument", &t), 0);
	assert_int_equal(hmm_table_rows(t), PAGES * ROWS);
	assert_int_equal(hmm_table_columns(t), 3);
	assert_string_equal(hmm_table_column_name(t, 0), "pid");
	assert_int_equal(hmm_table_column_unit(t, 0), HMM_UNIT_NUMBER);
	for (size_t i = 0; i < PAGES * ROWS; i++) {
		assert_int_equal(hmm_table_number(t, i, 0), i);
		assert_null(hmm_table_text(t, i, 0));
		assert_string_equal(hmm_table_text(t, i, 1), "argument");
		assert_int_equal(hmm_table_number(t, i, 1), 0);
		assert_true(hmm_table_has(t, i, 1));
		assert_false(hmm_table_has(t, i, 2));
	}
	assert_null(hmm_table_text(t, PAGES * ROWS, 0));
	assert_null(hmm_table_text(t, 0, 3));
	assert_null(hmm_table_column_name(t, 3));
	assert_null(hmm_table_free(t));
	hmm_client_unref(c);
}

static bool endless(struct fake *f, uint64_t id, const Hmmd__Message *m, const int *fds,
		    size_t n_fds)
{
	Hmmd__QueryReply reply = HMMD__QUERY_REPLY__INIT;
	Hmmd__Message answer = FAKE_MESSAGE(QUERY_REPLY, query_reply, &reply);

	(void)fds;
	(void)n_fds;
	if (m->kind_case != HMMD__MESSAGE__KIND_QUERY)
		return false;
	reply.next_cursor = m->query->cursor + 1;
	fake_reply(f, id, &answer, NULL, 0);
	return true;
}

static bool other_columns(struct fake *f, uint64_t id, const Hmmd__Message *m, const int *fds,
			  size_t n_fds)
{
	Hmmd__Column column = HMMD__COLUMN__INIT, *columns[2] = { &column, &column };
	Hmmd__QueryReply reply = HMMD__QUERY_REPLY__INIT;
	Hmmd__Message answer = FAKE_MESSAGE(QUERY_REPLY, query_reply, &reply);

	(void)fds;
	(void)n_fds;
	if (m->kind_case != HMMD__MESSAGE__KIND_QUERY)
		return false;
	column.name = "column";
	reply.column = columns;
	reply.n_column = m->query->cursor ? 2 : 1;
	reply.next_cursor = 1;
	fake_reply(f, id, &answer, NULL, 0);
	return true;
}

static void listings_gone_wrong(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, 0);
	struct hmm_table *t = NULL;

	fake_set_script(f, endless, NULL);
	assert_int_equal(hmm_query(c, "clients", NULL, &t), -E2BIG);
	fake_set_script(f, other_columns, NULL);
	assert_int_equal(hmm_query(c, "clients", NULL, &t), -EPROTO);
	assert_null(t);
	hmm_client_unref(c);
}

static bool no_topic(struct fake *f, uint64_t id, const Hmmd__Message *m, const int *fds,
		     size_t n_fds)
{
	(void)fds;
	(void)n_fds;
	if (m->kind_case != HMMD__MESSAGE__KIND_QUERY)
		return false;
	fake_error(f, id, EINVAL, "no such topic: weather");
	return true;
}

static void the_daemon_says_why(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, 0);
	struct hmm_table *t = NULL;

	fake_set_script(f, no_topic, NULL);
	assert_int_equal(hmm_query(c, "weather", NULL, &t), -EINVAL);
	assert_string_equal(hmm_client_last_error(c), "no such topic: weather");
	hmm_client_unref(c);
}

/* Subscribed once, also over a reconnect. */
static void notices(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, 0);
	struct seen seen = SEEN_INIT;
	Hmmd__Notice notice = HMMD__NOTICE__INIT;
	Hmmd__Message m = FAKE_MESSAGE(NOTICE, notice, &notice);

	hmm_client_set_event_handler(c, see, &seen);
	assert_int_equal(hmm_subscribe(c), 0);
	notice.sequence = 12;
	notice.text = "tier far is full";
	fake_event(f, &m);
	assert_soon(seen_count(&seen, HMM_EVENT_NOTICE) == 1);
	assert_int_equal(SEEN(seen, NOTICE)->value, 12);
	assert_string_equal(SEEN(seen, NOTICE)->text, "tier far is full");
	assert_null(SEEN(seen, NOTICE)->range);
	fake_cut(f);
	assert_soon(seen_count(&seen, HMM_EVENT_RECONNECTED) == 1);
	assert_soon(fake_count(f, HMMD__MESSAGE__KIND_SUBSCRIBE) == 2);
	hmm_client_unref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_TEST(tiers),
		FAKE_TEST(a_listing_of_several_pages),
		FAKE_TEST(listings_gone_wrong),
		FAKE_TEST(the_daemon_says_why),
		FAKE_TEST(notices),
	};

	return cmocka_run_group_tests_name("client_listings", tests, NULL, NULL);
}
