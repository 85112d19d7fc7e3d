// SPDX-License-Identifier: GPL-2.0-or-later
/* Every rule for every field that a daemon sends. */
#include <errno.h>

#include "tests/unit/test_validate.h"

#define GOOD(m) expect_good(&(m), FROM_DAEMON)
#define BAD(m, field, value, code, word) BREAK(m, FROM_DAEMON, field, value, code, word)
#define FINE(m, field, value) ALLOW(m, FROM_DAEMON, field, value)
#define BAD_NAME(m, field, max, word) BREAK_NAME(m, FROM_DAEMON, field, max, word)

static void hello_reply(void **state)
{
	Hmmd__HelloReply h = HMMD__HELLO_REPLY__INIT;
	Hmmd__Message m = MESSAGE(HELLO_REPLY, hello_reply, &h);

	(void)state;
	h.version = 1;
	h.client = 1;
	h.huge_page_size = HUGE_PAGE;
	GOOD(m);
	BAD(m, h.version, 0, EINVAL, "version");
	BAD(m, h.client, 0, EINVAL, "client");
	BAD(m, h.huge_page_size, 0, EINVAL, "huge_page_size");
	BAD(m, h.huge_page_size, 4096, EINVAL, "huge_page_size");
	BAD(m, h.huge_page_size, HUGE_PAGE + 4096, EINVAL, "huge_page_size");
	BAD(m, h.huge_page_size, 1ULL << 31, EINVAL, "huge_page_size");
	BAD(m, h.backing, 4, EINVAL, "backing");
	BAD(m, h.features, HMMD__FEATURE__FEATURE_LEDGER, EINVAL, "ledger_root");
	h.ledger_root = 1;
	FINE(m, h.features, HMMD__FEATURE__FEATURE_LEDGER);
}

static void answers(void **state)
{
	Hmmd__AllocReply a = HMMD__ALLOC_REPLY__INIT;
	Hmmd__RegisterReply r = HMMD__REGISTER_REPLY__INIT;
	Hmmd__OpStarted o = HMMD__OP_STARTED__INIT;
	Hmmd__Message alloc = MESSAGE(ALLOC_REPLY, alloc_reply, &a),
		      reg = MESSAGE(REGISTER_REPLY, register_reply, &r),
		      op = MESSAGE(OP_STARTED, op_started, &o);

	(void)state;
	a.range = 1;
	GOOD(alloc);
	BAD(alloc, a.range, 0, EINVAL, "range");
	BAD(alloc, a.offset, HUGE_PAGE, EINVAL, "offset");
	a.file = 7;
	FINE(alloc, a.offset, HUGE_PAGE);
	BAD(alloc, a.offset, HUGE_PAGE / 2, EINVAL, "offset");
	BAD(alloc, a.offset, HMM_LIMIT_FILE, EINVAL, "offset");
	r.first_range = 1;
	r.count = HMM_LIMIT_BATCH;
	GOOD(reg);
	BAD(reg, r.first_range, 0, EINVAL, "first_range");
	BAD(reg, r.first_range, UINT64_MAX, EINVAL, "first_range");
	BAD(reg, r.count, 0, EINVAL, "count");
	BAD(reg, r.count, HMM_LIMIT_BATCH + 1, EINVAL, "count");
	o.op = 1;
	GOOD(op);
	BAD(op, o.op, 0, EINVAL, "op");
}

static void op_done(void **state)
{
	Hmmd__OpDone d = HMMD__OP_DONE__INIT;
	Hmmd__Message m = MESSAGE(OP_DONE, op_done, &d);

	(void)state;
	d.op = 1;
	d.asked = 10;
	d.moved = 4;
	d.already_there = 3;
	d.busy = 2;
	d.failed = 1;
	GOOD(m);
	BAD(m, d.op, 0, EINVAL, "op");
	BAD(m, d.asked, 11, EINVAL, "asked");
	BAD(m, d.moved, UINT64_MAX, EINVAL, "asked");
	BAD(m, d.busy, UINT64_MAX, EINVAL, "asked");
	BAD(m, d.failed, UINT64_MAX, EINVAL, "asked");
}

static void tiers_reply(void **state)
{
	Hmmd__TiersReply t = HMMD__TIERS_REPLY__INIT;
	Hmmd__Tier tier = HMMD__TIER__INIT, *tiers[HMM_LIMIT_TIERS + 1];
	Hmmd__Message m = MESSAGE(TIERS_REPLY, tiers_reply, &t);

	(void)state;
	for (size_t i = 0; i <= HMM_LIMIT_TIERS; i++)
		tiers[i] = &tier;
	tier.name = "dram";
	t.tier = tiers;
	t.n_tier = HMM_LIMIT_TIERS;
	GOOD(m);
	FINE(m, t.n_tier, 0);
	FINE(m, tier.kind, 77);
	BAD(m, t.n_tier, HMM_LIMIT_TIERS + 1, E2BIG, "32");
	BAD(m, tier.name, (char *)"", EINVAL, "tier");
	BAD_NAME(m, tier.name, HMM_LIMIT_TIER_NAME, "tier");
}

static void query_reply(void **state)
{
	Hmmd__QueryReply q = HMMD__QUERY_REPLY__INIT;
	Hmmd__Column column = HMMD__COLUMN__INIT, *columns[HMM_LIMIT_COLUMNS + 1];
	Hmmd__Cell cell = HMMD__CELL__INIT, *cells[HMM_LIMIT_COLUMNS + 1];
	Hmmd__Row row = HMMD__ROW__INIT, *rows[HMM_LIMIT_ROWS + 1];
	Hmmd__Message m = MESSAGE(QUERY_REPLY, query_reply, &q);

	(void)state;
	for (size_t i = 0; i <= HMM_LIMIT_COLUMNS; i++) {
		columns[i] = &column;
		cells[i] = &cell;
	}
	for (size_t i = 0; i <= HMM_LIMIT_ROWS; i++)
		rows[i] = &row;
	column.name = "pid";
	cell.value_case = HMMD__CELL__VALUE_TEXT;
	cell.text = "text \xc3\xa4\twith\n";
	row.cell = cells;
	row.n_cell = q.n_column = HMM_LIMIT_COLUMNS;
	q.column = columns;
	q.row = rows;
	q.n_row = HMM_LIMIT_ROWS;
	GOOD(m);
	FINE(m, cell.value_case, HMMD__CELL__VALUE__NOT_SET);
	FINE(m, q.n_row, 0);
	BAD(m, q.n_column, HMM_LIMIT_COLUMNS + 1, E2BIG, "columns");
	BAD(m, q.n_row, HMM_LIMIT_ROWS + 1, E2BIG, "rows");
	BAD(m, row.n_cell, HMM_LIMIT_COLUMNS - 1, EINVAL, "cells");
	BAD(m, column.name, (char *)"", EINVAL, "column");
	BAD_NAME(m, column.name, HMM_LIMIT_NAME, "column");
	BAD(m, cell.text, (char *)"\x1b[2J", EINVAL, "text");
	BAD(m, cell.text, (char *)"\x7f", EINVAL, "text");
	BAD(m, cell.text, long_name(HMM_LIMIT_TEXT + 1), EINVAL, "text");
}

static void errors(void **state)
{
	Hmmd__Error e = HMMD__ERROR__INIT;
	Hmmd__Message m = MESSAGE(ERROR, error, &e);

	(void)state;
	e.code = EINVAL;
	e.text = long_name(HMM_LIMIT_TEXT);
	GOOD(m);
	BAD(m, e.code, 0, EINVAL, "code");
	BAD(m, e.code, 4096, EINVAL, "code");
	BAD(m, e.text, (char *)"\r", EINVAL, "text");
}

static void zap(void **state)
{
	static uint64_t range[HMM_LIMIT_SPANS + 1], offset[HMM_LIMIT_SPANS + 1],
		length[HMM_LIMIT_SPANS + 1];
	Hmmd__Zap z = HMMD__ZAP__INIT;
	Hmmd__Message m = MESSAGE(ZAP, zap, &z);

	(void)state;
	for (size_t i = 0; i <= HMM_LIMIT_SPANS; i++) {
		range[i] = 1;
		length[i] = HUGE_PAGE;
	}
	z.zap = 1;
	z.range = range;
	z.offset = offset;
	z.length = length;
	z.n_range = z.n_offset = z.n_length = HMM_LIMIT_SPANS;
	GOOD(m);
	BAD(m, z.zap, 0, EINVAL, "zap");
	BAD(m, z.n_offset, 1, EINVAL, "as many");
	BAD(m, z.n_length, 1, EINVAL, "as many");
	BAD(m, range[9], 0, EINVAL, "range");
	BAD(m, offset[9], 4096, EINVAL, "offset");
	BAD(m, length[9], 4096, EINVAL, "length");
	BAD(m, length[9], 0, EINVAL, "length");
	BAD(m, offset[9], -HUGE_PAGE, ERANGE, "offset");
	z.n_range = z.n_offset = z.n_length = HMM_LIMIT_SPANS + 1;
	expect_refused(&m, FROM_DAEMON, E2BIG, "512");
	z.n_range = z.n_offset = z.n_length = 0;
	expect_refused(&m, FROM_DAEMON, EINVAL, "range");
}

static void events(void **state)
{
	Hmmd__Moved v = HMMD__MOVED__INIT;
	Hmmd__Lost l = HMMD__LOST__INIT;
	Hmmd__Pressure p = HMMD__PRESSURE__INIT;
	Hmmd__Notice n = HMMD__NOTICE__INIT;
	Hmmd__Message moved = MESSAGE(MOVED, moved, &v), lost = MESSAGE(LOST, lost, &l),
		      pressure = MESSAGE(PRESSURE, pressure, &p),
		      notice = MESSAGE(NOTICE, notice, &n);

	(void)state;
	v.range = l.range = 1;
	v.tier = p.tier = "dram";
	GOOD(moved);
	BAD(moved, v.range, 0, EINVAL, "range");
	BAD(moved, v.tier, (char *)"", EINVAL, "tier");
	GOOD(lost);
	BAD(lost, l.offset, 1, EINVAL, "offset");
	BAD(lost, l.text, (char *)"\x01", EINVAL, "text");
	GOOD(pressure);
	BAD_NAME(pressure, p.tier, HMM_LIMIT_TIER_NAME, "tier");
	GOOD(notice);
	BAD(notice, n.text, (char *)"\x02", EINVAL, "text");
}

const struct CMUnitTest daemon_tests[] = {
	cmocka_unit_test(hello_reply), cmocka_unit_test(answers), cmocka_unit_test(op_done),
	cmocka_unit_test(tiers_reply), cmocka_unit_test(query_reply), cmocka_unit_test(errors),
	cmocka_unit_test(zap), cmocka_unit_test(events),
};
const size_t n_daemon_tests = sizeof(daemon_tests) / sizeof(daemon_tests[0]);
