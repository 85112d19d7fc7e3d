// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Validation as a whole: directions, descriptors, kinds and events; single fields are in the other
 * two files.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test_validate.h"

void expect_good(const Hmmd__Message *m, enum direction from)
{
	struct invalid why = { 0 };
	size_t min, max;
	int r;

	message_fds(m, &min, &max);
	r = message_validate(m, from, min, &why);
	if (r)
		fail_msg("%s refused: %s", message_name(m->kind_case), why.text);
}

void expect_refused(const Hmmd__Message *m, enum direction from, int code, const char *word)
{
	struct invalid why = { 0 };
	size_t min, max;

	message_fds(m, &min, &max);
	assert_int_equal(message_validate(m, from, min, &why), VALIDATE_E_FIELD);
	assert_int_equal(why.code, code);
	if (!strstr(why.text, word))
		fail_msg("%s: \"%s\" does not name %s", message_name(m->kind_case), why.text, word);
}

char *long_name(size_t n)
{
	static char buf[2 * HMM_LIMIT_TEXT];

	memset(buf, 'x', n);
	buf[n] = '\0';
	return buf;
}

static void unknown_kinds(void **state)
{
	Hmmd__Message m = HMMD__MESSAGE__INIT;
	struct invalid why;

	(void)state;
	assert_int_equal(message_validate(&m, FROM_CLIENT, 0, &why), VALIDATE_E_KIND);
	assert_int_equal(why.code, ENOTSUP);
	m.kind_case = (Hmmd__Message__KindCase)1000;
	assert_int_equal(message_validate(&m, FROM_DAEMON, 0, &why), VALIDATE_E_KIND);
	assert_string_equal(message_name(m.kind_case), "nothing");
	assert_false(message_is_event(m.kind_case));
}

static void nobody_sends_for_the_other_side(void **state)
{
	Hmmd__Ok ok = HMMD__OK__INIT;
	Hmmd__Ping ping = HMMD__PING__INIT;
	Hmmd__Message reply = MESSAGE(OK, ok, &ok), request = MESSAGE(PING, ping, &ping);
	struct invalid why;

	(void)state;
	expect_good(&reply, FROM_DAEMON);
	expect_good(&request, FROM_CLIENT);
	assert_int_equal(message_validate(&reply, FROM_CLIENT, 0, &why), VALIDATE_E_DIRECTION);
	assert_int_equal(why.code, EPROTO);
	assert_int_equal(message_validate(&request, FROM_DAEMON, 0, &why), VALIDATE_E_DIRECTION);
}

static void expect_fds(const Hmmd__Message *m, enum direction from, size_t wanted)
{
	struct invalid why;

	for (size_t n = 0; n <= HMM_LIMIT_FDS; n++)
		assert_int_equal(message_validate(m, from, n, &why),
				 n == wanted ? 0 : VALIDATE_E_FDS);
	assert_int_equal(message_validate(m, from, wanted + 1, &why), VALIDATE_E_FDS);
	assert_int_equal(why.code, EBADF);
}

static void descriptors_are_counted(void **state)
{
	Hmmd__Ping ping = HMMD__PING__INIT;
	Hmmd__AttachUffd attach = HMMD__ATTACH_UFFD__INIT;
	Hmmd__AttachDriver attach_driver = HMMD__ATTACH_DRIVER__INIT;
	Hmmd__HelloReply hello = HMMD__HELLO_REPLY__INIT;
	Hmmd__Message none = MESSAGE(PING, ping, &ping),
		      one = MESSAGE(ATTACH_UFFD, attach_uffd, &attach),
		      driver = MESSAGE(ATTACH_DRIVER, attach_driver, &attach_driver),
		      by_features = MESSAGE(HELLO_REPLY, hello_reply, &hello);

	(void)state;
	expect_fds(&none, FROM_CLIENT, 0);
	expect_fds(&one, FROM_CLIENT, 1);
	expect_fds(&driver, FROM_CLIENT, 1);
	hello.version = 1;
	hello.client = 1;
	hello.huge_page_size = HUGE_PAGE;
	hello.ledger_root = 1;
	expect_fds(&by_features, FROM_DAEMON, 0);
	hello.features = HMMD__FEATURE__FEATURE_UFFD_DEVICE;
	expect_fds(&by_features, FROM_DAEMON, 1);
	hello.features |= HMMD__FEATURE__FEATURE_LEDGER;
	expect_fds(&by_features, FROM_DAEMON, 2);
	hello.features |= HMMD__FEATURE__FEATURE_GATE;
	expect_fds(&by_features, FROM_DAEMON, 3);
}

static void a_resume_brings_a_file_for_every_managed_range(void **state)
{
	static Hmmd__ResumeRange entry[HMM_LIMIT_FDS + 1];
	Hmmd__ResumeRange *entries[HMM_LIMIT_FDS + 1];
	Hmmd__Resume resume = HMMD__RESUME__INIT;
	Hmmd__Message m = MESSAGE(RESUME, resume, &resume);

	(void)state;
	for (size_t i = 0; i <= HMM_LIMIT_FDS; i++) {
		hmmd__resume_range__init(&entry[i]);
		entry[i].range = i + 1;
		entry[i].addr = (i + 1) * HUGE_PAGE;
		entry[i].size = HUGE_PAGE;
		entry[i].managed = i != 3;
		entries[i] = &entry[i];
	}
	resume.range = entries;
	resume.n_range = 5;
	expect_fds(&m, FROM_CLIENT, 4);
	resume.n_range = HMM_LIMIT_FDS + 1;
	expect_fds(&m, FROM_CLIENT, HMM_LIMIT_FDS);
	entry[3].managed = true;
	expect_refused(&m, FROM_CLIENT, E2BIG, "32 files");
}

static void events_are_told_from_answers(void **state)
{
	static const Hmmd__Message__KindCase events[] = {
		HMMD__MESSAGE__KIND_ZAP, HMMD__MESSAGE__KIND_ZAP_DONE, HMMD__MESSAGE__KIND_MOVED,
		HMMD__MESSAGE__KIND_LOST, HMMD__MESSAGE__KIND_PRESSURE, HMMD__MESSAGE__KIND_NOTICE,
		HMMD__MESSAGE__KIND_OP_DONE,
	};
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		assert_true(message_is_event(events[i]));
	for (unsigned int kind = 0; kind <= HMMD__MESSAGE__KIND_NOTICE; kind++)
		n += (size_t)message_is_event((Hmmd__Message__KindCase)kind);
	assert_int_equal(n, sizeof(events) / sizeof(events[0]));
}

/* The table of kinds and hmmd.proto must not drift apart. */
static void every_kind_of_the_schema_has_a_rule(void **state)
{
	const ProtobufCMessageDescriptor *d = &hmmd__message__descriptor;

	(void)state;
	assert_true(d->n_fields > 0);
	for (unsigned int i = 0; i < d->n_fields; i++) {
		const ProtobufCMessageDescriptor *body = d->fields[i].descriptor;

		assert_string_equal(message_name((Hmmd__Message__KindCase)d->fields[i].id),
				    body->short_name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_kinds),
		cmocka_unit_test(nobody_sends_for_the_other_side),
		cmocka_unit_test(descriptors_are_counted),
		cmocka_unit_test(a_resume_brings_a_file_for_every_managed_range),
		cmocka_unit_test(events_are_told_from_answers),
		cmocka_unit_test(every_kind_of_the_schema_has_a_rule),
	};
	int failed = cmocka_run_group_tests_name("validate", tests, NULL, NULL);

	failed += _cmocka_run_group_tests("validate_client", client_tests, n_client_tests, NULL,
					  NULL);
	failed += _cmocka_run_group_tests("validate_daemon", daemon_tests, n_daemon_tests, NULL,
					  NULL);
	return failed;
}
