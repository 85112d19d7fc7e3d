// SPDX-License-Identifier: GPL-2.0-or-later
/* Frames that the library would never send: each gets a clear answer or the door, and disturbs nobody. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/support/ask.h"
#include "tests/support/rawpeer.h"
#include "tests/support/test.h"
#include "tests/support/watched.h"

static int say_hello(struct rawpeer *p, uint32_t min, uint32_t max)
{
	Hmmd__Hello hello = HMMD__HELLO__INIT;
	RAW_MESSAGE(m, HELLO, hello, &hello);

	hello.version_min = min;
	hello.version_max = max;
	hello.name = "raw";
	return rawpeer_refusal(p, &m, NULL, 0);
}

static void a_peer_too_old_or_too_new_is_told(void **state)
{
	struct rawpeer *p = rawpeer_open(house->socket);

	(void)state;
	assert_int_equal(say_hello(p, HMM_LIMIT_VERSION_MAX + 1, HMM_LIMIT_VERSION_MAX + 5), EPROTONOSUPPORT);
	assert_non_null(strchr(p->text, '1'));	/* names what would be right */
	rawpeer_close(p);
	p = rawpeer_open(house->socket);
	assert_int_not_equal(say_hello(p, 0, 0), 0);
	rawpeer_close(p);
	p = rawpeer_open(house->socket);
	assert_int_equal(say_hello(p, HMM_LIMIT_VERSION_MIN, HMM_LIMIT_VERSION_MAX + 7), 0);
	rawpeer_close(p);
	witness_undisturbed(&witness);
}

static void nothing_goes_before_hello(void **state)
{
	struct rawpeer *p = rawpeer_open(house->socket);

	(void)state;
	assert_int_not_equal(rawpeer_ping(p), 0);
	rawpeer_close(p);
	witness_undisturbed(&witness);
}

static int come_back(struct rawpeer *p, uint64_t client)
{
	Hmmd__Hello hello = HMMD__HELLO__INIT;
	RAW_MESSAGE(m, HELLO, hello, &hello);

	hello.version_min = HMM_LIMIT_VERSION_MIN;
	hello.version_max = HMM_LIMIT_VERSION_MAX;
	hello.resume_client = client;
	return rawpeer_refusal(p, &m, NULL, 0);
}

static int free_it(struct rawpeer *p, uint64_t id)
{
	Hmmd__Free body = HMMD__FREE__INIT;
	RAW_MESSAGE(m, FREE, free, &body);

	body.n_range = 1;
	body.range = &id;
	return rawpeer_refusal(p, &m, NULL, 0);
}

/* A range that is being handed over cannot be freed in between; naming none frees it. */
static void nothing_goes_before_resume(void **state)
{
	struct rawpeer *p = rawpeer_open(house->socket), *again = rawpeer_open(house->socket);
	Hmmd__Resume body = HMMD__RESUME__INIT;
	RAW_MESSAGE(m, RESUME, resume, &body);
	struct rawrange r;

	(void)state;
	rawpeer_hello(p);
	rawpeer_attach(p);
	rawpeer_alloc(p, 2, &r);
	rawpeer_map(p, &r);
	assert_int_equal(come_back(again, p->client), 0);
	assert_int_equal(free_it(again, r.id), EBUSY);
	assert_int_equal(rawpeer_ping(again), 0);
	body.last = true;
	assert_int_equal(rawpeer_refusal(again, &m, NULL, 0), 0);
	assert_int_equal(free_it(again, r.id), ENOENT);
	rawrange_drop(&r);
	rawpeer_close(p);
	rawpeer_close(again);
	witness_undisturbed(&witness);
}

static void hello_comes_once(void **state)
{
	struct rawpeer *p = rawpeer_open(house->socket);

	(void)state;
	rawpeer_hello(p);
	assert_int_not_equal(say_hello(p, HMM_LIMIT_VERSION_MIN, HMM_LIMIT_VERSION_MAX), 0);
	rawpeer_close(p);
	witness_undisturbed(&witness);
}

/* Field 2000 of a newer peer in Hello itself, and at the end of a Ping. */
static void unknown_fields_are_skipped(void **state)
{
	static const uint8_t extra[] = { 0x82, 0x7d, 0x03, 'n', 'e', 'w' };	/* field 2000, 3 bytes */
	struct rawpeer *p = rawpeer_open(house->socket);
	Hmmd__Ping ping = HMMD__PING__INIT;
	RAW_MESSAGE(m, PING, ping, &ping);
	Hmmd__Message *answer;
	uint32_t body;
	size_t size;

	(void)state;
	rawpeer_hello(p);
	assert_int_equal(frame_pack(++p->id, &m, p->out, sizeof(p->out), &size), 0);
	memcpy(p->out + size, extra, sizeof(extra));
	memcpy(&body, p->out + 4, sizeof(body));
	body += sizeof(extra);
	memcpy(p->out + 4, &body, sizeof(body));
	assert_int_equal(rawpeer_send_bytes(p, p->out, size + sizeof(extra), NULL, 0), 0);
	answer = rawpeer_receive(p, (int)(PATIENCE_US / 1000));
	assert_non_null(answer);
	assert_int_equal(answer->kind_case, HMMD__MESSAGE__KIND_OK);
	rawpeer_close(p);
}

static void an_unknown_kind_is_answered(void **state)
{
	/* Message field 500, an empty submessage: a request that only a newer daemon knows. */
	static const uint8_t body[] = { 0xa2, 0x1f, 0x00 };
	struct rawpeer *p = rawpeer_open(house->socket);
	uint8_t packet[HMM_LIMIT_HEADER + sizeof(body)];
	uint32_t head[2] = { HMM_FRAME_MAGIC, sizeof(body) };
	uint64_t id = 99;
	Hmmd__Message *answer;

	(void)state;
	rawpeer_hello(p);
	memcpy(packet, head, sizeof(head));
	memcpy(packet + 8, &id, sizeof(id));
	memcpy(packet + HMM_LIMIT_HEADER, body, sizeof(body));
	assert_int_equal(rawpeer_send_bytes(p, packet, sizeof(packet), NULL, 0), 0);
	answer = rawpeer_receive(p, (int)(PATIENCE_US / 1000));
	assert_non_null(answer);
	assert_int_equal(p->got_id, id);
	assert_int_equal(answer->kind_case, HMMD__MESSAGE__KIND_ERROR);
	assert_int_equal(answer->error->code, ENOTSUP);
	assert_int_equal(rawpeer_ping(p), 0);
	rawpeer_close(p);
}

struct bad_packet {
	const char *what;
	uint32_t magic, length;
	size_t size;
};

/* Refused with an error frame or a closed connection; silence would leave the peer waiting. */
static void answered_or_shown_out(struct rawpeer *p, const char *what)
{
	Hmmd__Message *answer = rawpeer_receive(p, (int)(PATIENCE_US / 1000));
	char byte;

	if (answer && answer->kind_case == HMMD__MESSAGE__KIND_ERROR)
		return;
	if (answer || (recv(p->sock, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN))
		fail_msg("a packet with %s was passed over", what);
}

static void broken_packets_end_in_an_error(void **state)
{
	static const struct bad_packet bad[] = {
		{ "one byte", HMM_FRAME_MAGIC, 0, 1 },
		{ "half a header", HMM_FRAME_MAGIC, 0, 8 },
		{ "a wrong magic", 0x12345678, 0, 16 },
		{ "a body cut short", HMM_FRAME_MAGIC, 100, 50 },
		{ "bytes after the body", HMM_FRAME_MAGIC, 2, 90 },
		{ "a length above the limit", HMM_FRAME_MAGIC, UINT32_MAX, 64 },
		{ "no body", HMM_FRAME_MAGIC, 0, 16 },
		{ "a body of 0xff", HMM_FRAME_MAGIC, 84, 100 },
		{ "more than the largest frame", HMM_FRAME_MAGIC, HMM_LIMIT_FRAME + 100 - 16, HMM_LIMIT_FRAME + 100 },
	};
	static uint8_t packet[HMM_LIMIT_FRAME + 200];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rawpeer *p = rawpeer_open(house->socket);
		uint64_t id = 7;

		rawpeer_hello(p);
		memset(packet, 0xff, sizeof(packet));
		memcpy(packet, &bad[i].magic, 4);
		memcpy(packet + 4, &bad[i].length, 4);
		memcpy(packet + 8, &id, 8);
		assert_int_equal(rawpeer_send_bytes(p, packet, bad[i].size, NULL, 0), 0);
		answered_or_shown_out(p, bad[i].what);
		rawpeer_close(p);
	}
	witness_undisturbed(&witness);
}

/* A repeated field of a million entries packed into one frame would decode into far more than the frame. */
static void decoding_is_capped(void **state)
{
	struct rawpeer *p = rawpeer_open(house->socket);
	Hmmd__Free release = HMMD__FREE__INIT;
	RAW_MESSAGE(m, FREE, free, &release);
	static uint64_t ids[HMM_LIMIT_BATCH + 1];

	(void)state;
	rawpeer_hello(p);
	release.range = ids;
	release.n_range = HMM_LIMIT_BATCH + 1;
	for (size_t i = 0; i <= HMM_LIMIT_BATCH; i++)
		ids[i] = 1;
	assert_int_not_equal(rawpeer_refusal(p, &m, NULL, 0), 0);
	rawpeer_close(p);
	witness_undisturbed(&witness);
}

static void answers_of_a_daemon_are_not_for_clients(void **state)
{
	struct rawpeer *p = rawpeer_open(house->socket);
	Hmmd__Ok ok = HMMD__OK__INIT;
	RAW_MESSAGE(m, OK, ok, &ok);
	Hmmd__ZapDone done = HMMD__ZAP_DONE__INIT;
	RAW_MESSAGE(zap, ZAP_DONE, zap_done, &done);
	size_t size;

	(void)state;
	rawpeer_hello(p);
	assert_int_not_equal(rawpeer_refusal(p, &m, NULL, 0), 0);
	rawpeer_close(p);
	/* The end of a zap that nobody asked for. */
	p = rawpeer_open(house->socket);
	rawpeer_hello(p);
	done.zap = 123456;
	assert_int_equal(frame_pack(0, &zap, p->out, sizeof(p->out), &size), 0);
	assert_int_equal(rawpeer_send_bytes(p, p->out, size, NULL, 0), 0);
	rawpeer_ping(p);
	rawpeer_close(p);
	witness_undisturbed(&witness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_too_old_or_too_new_is_told),
		cmocka_unit_test(nothing_goes_before_hello),
		cmocka_unit_test(hello_comes_once),
		cmocka_unit_test(nothing_goes_before_resume),
		cmocka_unit_test(unknown_fields_are_skipped),
		cmocka_unit_test(an_unknown_kind_is_answered),
		cmocka_unit_test(broken_packets_end_in_an_error),
		cmocka_unit_test(decoding_is_capped),
		cmocka_unit_test(answers_of_a_daemon_are_not_for_clients),
	};

	return cmocka_run_group_tests_name("protocol", tests, set_up, tear_down);
}
