// SPDX-License-Identifier: GPL-2.0-or-later
/* Every rule for every field that a client sends. */
#include <errno.h>

#include "tests/unit/test_validate.h"

#define GOOD(m) expect_good(&(m), FROM_CLIENT)
#define BAD(m, field, value, code, word) BREAK(m, FROM_CLIENT, field, value, code, word)
#define FINE(m, field, value) ALLOW(m, FROM_CLIENT, field, value)
#define BAD_NAME(m, field, max, word) BREAK_NAME(m, FROM_CLIENT, field, max, word)

static void hello(void **state)
{
	Hmmd__Hello h = HMMD__HELLO__INIT;
	Hmmd__Message m = MESSAGE(HELLO, hello, &h);

	(void)state;
	h.version_min = h.version_max = 1;
	h.name = "program";
	GOOD(m);
	BAD(m, h.version_min, 0, EINVAL, "version_min");
	BAD(m, h.version_min, 2, EINVAL, "version_min");
	FINE(m, h.version_max, UINT32_MAX);
	FINE(m, h.features, UINT64_MAX);
	BAD_NAME(m, h.name, HMM_LIMIT_NAME, "name");
	FINE(m, h.name, (char *)"");
}

static void alloc(void **state)
{
	Hmmd__Alloc a = HMMD__ALLOC__INIT;
	Hmmd__RangeOptions o = HMMD__RANGE_OPTIONS__INIT;
	Hmmd__Message m = MESSAGE(ALLOC, alloc, &a);

	(void)state;
	a.size = HUGE_PAGE;
	a.options = &o;
	GOOD(m);
	FINE(m, a.options, NULL);
	FINE(m, a.size, HMM_LIMIT_RANGE_SIZE);
	BAD(m, a.size, 0, EINVAL, "size");
	BAD(m, a.size, HUGE_PAGE + 4096, EINVAL, "size");
	BAD(m, a.size, HMM_LIMIT_RANGE_SIZE + HUGE_PAGE, ERANGE, "size");
	BAD(m, a.size, UINT64_MAX - HUGE_PAGE + 1, ERANGE, "size");
	BAD_NAME(m, o.name, HMM_LIMIT_NAME, "options.name");
	BAD_NAME(m, o.policy, HMM_LIMIT_NAME, "options.policy");
	BAD_NAME(m, o.prefer, HMM_LIMIT_TIER_NAME, "options.prefer");
	FINE(m, o.flags, 1);
	BAD(m, o.flags, 2, EINVAL, "flags");
}

static void map_range(void **state)
{
	Hmmd__MapRange r = HMMD__MAP_RANGE__INIT;
	Hmmd__Message m = MESSAGE(MAP_RANGE, map_range, &r);

	(void)state;
	r.range = 1;
	r.addr = HUGE_PAGE;
	GOOD(m);
	BAD(m, r.range, 0, EINVAL, "range");
	BAD(m, r.addr, 0, EINVAL, "addr");
	BAD(m, r.addr, 4096, EINVAL, "addr");
	BAD(m, r.addr, HMM_LIMIT_ADDRESS, ERANGE, "addr");
	FINE(m, r.addr, HMM_LIMIT_ADDRESS - HUGE_PAGE);
}

static void registering(void **state)
{
	static uint64_t many[HMM_LIMIT_BATCH + 1];
	uint64_t addr[] = { 4096, 65536 }, size[] = { 4096, 8192 };
	Hmmd__Register r = HMMD__REGISTER__INIT;
	Hmmd__RangeOptions o = HMMD__RANGE_OPTIONS__INIT;
	Hmmd__Message m = MESSAGE(REGISTER, register_, &r);

	(void)state;
	r.addr = addr;
	r.size = size;
	r.n_addr = r.n_size = 2;
	r.options = &o;
	GOOD(m);
	BAD(m, r.n_size, 1, EINVAL, "as many");
	BAD(m, size[1], 0, EINVAL, "size");
	BAD(m, size[1], 4097, EINVAL, "size");
	BAD(m, addr[1], 65537, EINVAL, "addr");
	BAD(m, addr[0], 0, EINVAL, "addr");
	BAD(m, addr[1], HMM_LIMIT_ADDRESS - 4096, ERANGE, "addr");
	BAD(m, addr[1], UINT64_MAX - 4095, ERANGE, "addr");
	FINE(m, addr[1], HMM_LIMIT_ADDRESS - 8192);
	BAD(m, o.flags, UINT32_MAX, EINVAL, "flags");
	r.n_addr = r.n_size = 0;
	expect_refused(&m, FROM_CLIENT, EINVAL, "addr");
	for (size_t i = 0; i <= HMM_LIMIT_BATCH; i++)
		many[i] = 4096;
	r.addr = r.size = many;
	r.n_addr = r.n_size = HMM_LIMIT_BATCH;
	GOOD(m);
	r.n_addr = r.n_size = HMM_LIMIT_BATCH + 1;
	expect_refused(&m, FROM_CLIENT, E2BIG, "4096");
}

static void freeing(void **state)
{
	static uint64_t ids[HMM_LIMIT_BATCH + 1];
	Hmmd__Free f = HMMD__FREE__INIT;
	Hmmd__Message m = MESSAGE(FREE, free, &f);

	(void)state;
	for (size_t i = 0; i <= HMM_LIMIT_BATCH; i++)
		ids[i] = i + 1;
	f.range = ids;
	f.n_range = HMM_LIMIT_BATCH;
	GOOD(m);
	BAD(m, f.n_range, 0, EINVAL, "range");
	BAD(m, f.n_range, HMM_LIMIT_BATCH + 1, E2BIG, "4096");
	BAD(m, ids[7], 0, EINVAL, "range");
}

static void resume(void **state)
{
	Hmmd__Resume r = HMMD__RESUME__INIT;
	Hmmd__ResumeRange one = HMMD__RESUME_RANGE__INIT, second = one;
	Hmmd__ResumeRange *entries[HMM_LIMIT_RESUME + 1];
	Hmmd__RangeOptions o = HMMD__RANGE_OPTIONS__INIT;
	Hmmd__Message m = MESSAGE(RESUME, resume, &r);

	(void)state;
	for (size_t i = 0; i <= HMM_LIMIT_RESUME; i++)
		entries[i] = &one;
	one.range = 5;
	one.addr = 4096;
	one.size = 4096;
	one.options = &o;
	r.range = entries;
	r.n_range = HMM_LIMIT_RESUME;
	GOOD(m);
	BAD(m, r.n_range, HMM_LIMIT_RESUME + 1, E2BIG, "1024");
	BAD(m, r.n_range, 0, EINVAL, "last");
	BAD(m, one.range, 0, EINVAL, "range");
	BAD(m, one.addr, 4097, EINVAL, "addr");
	BAD(m, one.managed, true, EINVAL, "size");
	BAD(m, o.flags, 8, EINVAL, "flags");
	r.last = true;
	FINE(m, r.n_range, 0);
	r.n_range = 1;
	one.managed = true;
	one.addr = one.size = HUGE_PAGE;
	GOOD(m);
	BAD(m, one.addr, HUGE_PAGE / 2, EINVAL, "addr");
	BAD(m, one.same_file, true, EINVAL, "same_file");
	r.n_range = 2;
	entries[1] = &second;
	second.range = 6;
	second.addr = 3 * HUGE_PAGE;
	second.size = HUGE_PAGE;
	second.managed = second.same_file = true;
	GOOD(m);
	BAD(m, second.managed, false, EINVAL, "same_file");
}

static void advise(void **state)
{
	Hmmd__Advise a = HMMD__ADVISE__INIT;
	Hmmd__Message m = MESSAGE(ADVISE, advise, &a);

	(void)state;
	a.range = 1;
	a.length = 4096;
	for (a.advice = 0; a.advice <= 12; a.advice++)
		GOOD(m);
	a.advice = 0;
	BAD(m, a.advice, 13, EINVAL, "advice");
	BAD(m, a.range, 0, EINVAL, "range");
	BAD(m, a.length, 0, EINVAL, "length");
	BAD(m, a.length, 1, EINVAL, "length");
	BAD(m, a.offset, 1, EINVAL, "offset");
	BAD(m, a.offset, UINT64_MAX - 4095, ERANGE, "offset");
	BAD(m, a.offset, HMM_LIMIT_RANGE_SIZE, ERANGE, "offset");
	FINE(m, a.offset, HMM_LIMIT_RANGE_SIZE - 4096);
}

static void moving(void **state)
{
	Hmmd__Migrate g = HMMD__MIGRATE__INIT;
	Hmmd__Pin p = HMMD__PIN__INIT;
	Hmmd__Unpin u = HMMD__UNPIN__INIT;
	Hmmd__Exclusive x = HMMD__EXCLUSIVE__INIT;
	Hmmd__Message migrate = MESSAGE(MIGRATE, migrate, &g), pin = MESSAGE(PIN, pin, &p),
		      unpin = MESSAGE(UNPIN, unpin, &u),
		      exclusive = MESSAGE(EXCLUSIVE, exclusive, &x);

	(void)state;
	g.range = p.range = u.range = x.range = 3;
	g.length = p.length = u.length = x.length = HUGE_PAGE;
	g.tier = "far";
	GOOD(migrate);
	BAD(migrate, g.length, 0, EINVAL, "length");
	BAD(migrate, g.flags, 1, EINVAL, "flags");
	BAD(migrate, g.tier, (char *)"", EINVAL, "tier");
	BAD_NAME(migrate, g.tier, HMM_LIMIT_TIER_NAME, "tier");
	GOOD(pin);
	BAD(pin, p.range, 0, EINVAL, "range");
	BAD_NAME(pin, p.tier, HMM_LIMIT_TIER_NAME, "tier");
	GOOD(unpin);
	BAD(unpin, u.offset, 5, EINVAL, "offset");
	GOOD(exclusive);
	BAD(exclusive, x.length, 0, EINVAL, "length");
}

static void query(void **state)
{
	Hmmd__Query q = HMMD__QUERY__INIT;
	Hmmd__Message m = MESSAGE(QUERY, query, &q);

	(void)state;
	q.topic = "ranges";
	GOOD(m);
	BAD(m, q.topic, (char *)"", EINVAL, "topic");
	BAD_NAME(m, q.topic, HMM_LIMIT_NAME, "topic");
	BAD_NAME(m, q.arg, HMM_LIMIT_VALUE, "arg");
}

static void control_area(void **state)
{
	Hmmd__Control c = HMMD__CONTROL__INIT;
	Hmmd__Message m = MESSAGE(CONTROL, control, &c);

	(void)state;
	c.pid = 10;
	c.tier = "far";
	for (c.verb = 1; c.verb <= 3; c.verb++) {
		GOOD(m);
		BAD(m, c.pid, 0, EINVAL, "pid");
		BAD(m, c.pid, -1, EINVAL, "pid");
		BAD(m, c.addr, 4096, EINVAL, "end");
		c.end = 8192;
		GOOD(m);
		BAD(m, c.addr, 8192, EINVAL, "end");
		BAD(m, c.addr, 1, EINVAL, "multiple");
		BAD(m, c.end, 8191, EINVAL, "multiple");
		BAD(m, c.end, HMM_LIMIT_ADDRESS + 4096, ERANGE, "end");
		c.end = 0;
	}
}

static void control(void **state)
{
	Hmmd__Control c = HMMD__CONTROL__INIT;
	Hmmd__Message m = MESSAGE(CONTROL, control, &c);

	(void)state;
	c.verb = 7;
	GOOD(m);
	BAD(m, c.verb, 0, ENOTSUP, "verb");
	BAD(m, c.verb, 8, ENOTSUP, "verb");
	BAD_NAME(m, c.tier, HMM_LIMIT_TIER_NAME, "tier");
	BAD_NAME(m, c.name, HMM_LIMIT_NAME, "name");
	BAD_NAME(m, c.key, HMM_LIMIT_VALUE, "key");
	BAD_NAME(m, c.value, HMM_LIMIT_VALUE, "value");
	BAD(m, c.verb, 4, EINVAL, "tier");
	BAD(m, c.verb, 5, EINVAL, "tier");
	BAD(m, c.verb, 6, EINVAL, "name");
	c.name = "default";
	BAD(m, c.verb, 6, EINVAL, "key");
	c.key = "high";
	FINE(m, c.verb, 6);
	c.pid = 5;
	FINE(m, c.verb, 2);
	BAD(m, c.verb, 1, EINVAL, "tier");
}

static void zap_done(void **state)
{
	Hmmd__ZapDone z = HMMD__ZAP_DONE__INIT;
	Hmmd__Message m = MESSAGE(ZAP_DONE, zap_done, &z);

	(void)state;
	z.zap = 1;
	GOOD(m);
	BAD(m, z.zap, 0, EINVAL, "zap");
}

const struct CMUnitTest client_tests[] = {
	cmocka_unit_test(hello), cmocka_unit_test(alloc), cmocka_unit_test(map_range),
	cmocka_unit_test(registering), cmocka_unit_test(freeing), cmocka_unit_test(resume),
	cmocka_unit_test(advise), cmocka_unit_test(moving), cmocka_unit_test(query),
	cmocka_unit_test(control_area), cmocka_unit_test(control), cmocka_unit_test(zap_done),
};
const size_t n_client_tests = sizeof(client_tests) / sizeof(client_tests[0]);
