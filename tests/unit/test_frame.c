// SPDX-License-Identifier: GPL-2.0-or-later
/* Frames: what is packed can be cut, and every way a packet can be wrong has its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/frame.h"

struct fixture {
	uint8_t packet[HMM_LIMIT_FRAME + 1];
	uint8_t decode[HMM_LIMIT_DECODE];
	struct arena arena;
	size_t size;
};

/* A whole frame of a Query, id 7. */
static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	Hmmd__Query query = HMMD__QUERY__INIT;
	Hmmd__Message m = HMMD__MESSAGE__INIT;

	query.topic = "status";
	m.kind_case = HMMD__MESSAGE__KIND_QUERY;
	m.query = &query;
	assert_non_null(f);
	arena_init(&f->arena, f->decode, sizeof(f->decode));
	assert_int_equal(frame_pack(7, &m, f->packet, sizeof(f->packet), &f->size), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static void what_is_packed_can_be_cut(void **state)
{
	static const uint8_t header[] = { 'H', 'M', 'D', '1', 11, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0 };
	struct fixture *f = *state;
	struct frame frame;
	Hmmd__Message *m;

	assert_int_equal(f->size, HMM_LIMIT_HEADER + 11);
	assert_memory_equal(f->packet, header, sizeof(header));
	assert_int_equal(frame_cut(f->packet, f->size, &frame), 0);
	assert_int_equal(frame.id, 7);
	assert_int_equal(frame.body_size, 11);
	assert_int_equal(frame_unpack(&frame, &f->arena, &m), 0);
	assert_int_equal(m->kind_case, HMMD__MESSAGE__KIND_QUERY);
	assert_string_equal(m->query->topic, "status");
}

static void the_id_is_whole(void **state)
{
	struct fixture *f = *state;
	Hmmd__Ping ping = HMMD__PING__INIT;
	Hmmd__Message m = HMMD__MESSAGE__INIT;
	struct frame frame;

	m.kind_case = HMMD__MESSAGE__KIND_PING;
	m.ping = &ping;
	assert_int_equal(frame_pack(0xfedcba9876543210, &m, f->packet, sizeof(f->packet), &f->size),
			 0);
	assert_int_equal(f->packet[8], 0x10);
	assert_int_equal(f->packet[15], 0xfe);
	assert_int_equal(frame_cut(f->packet, f->size, &frame), 0);
	assert_int_equal(frame.id, 0xfedcba9876543210);
}

static void short_packets(void **state)
{
	struct fixture *f = *state;
	struct frame frame = { .id = 99 };

	for (size_t n = 0; n < HMM_LIMIT_HEADER; n++)
		assert_int_equal(frame_cut(f->packet, n, &frame), FRAME_E_SHORT);
	assert_int_equal(frame.id, 99);
}

static void wrong_magic(void **state)
{
	struct fixture *f = *state;
	struct frame frame;

	for (size_t i = 0; i < 4; i++) {
		f->packet[i] ^= 0x80;
		assert_int_equal(frame_cut(f->packet, f->size, &frame), FRAME_E_MAGIC);
		f->packet[i] ^= 0x80;
	}
}

static void wrong_length(void **state)
{
	struct fixture *f = *state;
	struct frame frame;

	assert_int_equal(frame_cut(f->packet, f->size - 1, &frame), FRAME_E_LENGTH);
	assert_int_equal(frame_cut(f->packet, f->size + 1, &frame), FRAME_E_LENGTH);
	for (size_t i = 4; i < 8; i++) {
		f->packet[i] ^= 0x80;
		assert_int_equal(frame_cut(f->packet, f->size, &frame), FRAME_E_LENGTH);
		f->packet[i] ^= 0x80;
	}
}

static void too_large_to_cut(void **state)
{
	struct fixture *f = *state;
	struct frame frame;

	assert_int_equal(frame_cut(f->packet, HMM_LIMIT_FRAME + 1, &frame), FRAME_E_LARGE);
	assert_int_equal(frame_cut(f->packet, HMM_LIMIT_FRAME, &frame), FRAME_E_LENGTH);
}

static void too_large_to_pack(void **state)
{
	struct fixture *f = *state;
	static char text[2 * HMM_LIMIT_FRAME];
	Hmmd__Notice notice = HMMD__NOTICE__INIT;
	Hmmd__Message m = HMMD__MESSAGE__INIT;
	size_t size = 1;

	memset(text, 'x', sizeof(text) - 1);
	m.kind_case = HMMD__MESSAGE__KIND_NOTICE;
	m.notice = &notice;
	notice.text = text;
	assert_int_equal(frame_pack(0, &m, text, sizeof(text), &size), FRAME_E_LARGE);
	notice.text = "short";
	assert_int_equal(frame_pack(0, &m, f->packet, HMM_LIMIT_HEADER - 1, &size), FRAME_E_LARGE);
	assert_int_equal(frame_pack(0, &m, f->packet, HMM_LIMIT_HEADER + 9 - 1, &size),
			 FRAME_E_LARGE);
	assert_int_equal(size, 1);
	assert_int_equal(frame_pack(0, &m, f->packet, sizeof(f->packet), &size), 0);
	assert_int_equal(frame_pack(0, &m, f->packet, size, &size), 0);
}

static void a_body_that_is_no_message(void **state)
{
	struct fixture *f = *state;
	struct frame frame;
	Hmmd__Message *m = NULL;

	memset(f->packet + HMM_LIMIT_HEADER, 0xff, f->size - HMM_LIMIT_HEADER);
	assert_int_equal(frame_cut(f->packet, f->size, &frame), 0);
	assert_int_equal(frame_unpack(&frame, &f->arena, &m), FRAME_E_BODY);
	assert_null(m);
}

/* Two bytes of a hostile frame become dozens in memory: the decode ends at the arena's cap. */
static void a_body_that_wants_too_much(void **state)
{
	struct fixture *f = *state;
	struct frame frame = { .body = f->packet };
	Hmmd__Message *m;
	uint8_t *p = f->packet;

	/*
	 * QueryReply (field 21) of one Row (field 2) with 30000 empty cells (field 1), lengths as
	 * varints.
	 */
	memcpy(p, "\xaa\x01\xe4\xd4\x03\x12\xe0\xd4\x03", 9);
	for (size_t i = 0; i < 30000; i++)
		memcpy(p + 9 + 2 * i, "\x0a\x00", 2);
	frame.body_size = 9 + 2 * 30000;
	assert_int_equal(frame_unpack(&frame, &f->arena, &m), FRAME_E_BODY);
	assert_true(f->arena.used <= HMM_LIMIT_DECODE);
	/* The same shape with few cells decodes, so it is the number that was refused. */
	memcpy(p, "\xaa\x01\x06\x12\x04\x0a\x00\x0a\x00", 9);
	frame.body_size = 9;
	assert_int_equal(frame_unpack(&frame, &f->arena, &m), 0);
	assert_int_equal(m->query_reply->row[0]->n_cell, 2);
}

/* The largest messages that the limits allow do decode. */
static void the_largest_batch_fits(void **state)
{
	struct fixture *f = *state;
	static uint64_t addr[HMM_LIMIT_BATCH], size[HMM_LIMIT_BATCH];
	Hmmd__Register reg = HMMD__REGISTER__INIT;
	Hmmd__Message m = HMMD__MESSAGE__INIT, *out;
	struct frame frame;

	for (size_t i = 0; i < HMM_LIMIT_BATCH; i++) {
		addr[i] = HMM_LIMIT_ADDRESS - 4096;
		size[i] = HMM_LIMIT_RANGE_SIZE;
	}
	reg.addr = addr;
	reg.size = size;
	reg.n_addr = reg.n_size = HMM_LIMIT_BATCH;
	m.kind_case = HMMD__MESSAGE__KIND_REGISTER;
	m.register_ = &reg;
	assert_int_equal(frame_pack(1, &m, f->packet, sizeof(f->packet), &f->size), 0);
	assert_int_equal(frame_cut(f->packet, f->size, &frame), 0);
	assert_int_equal(frame_unpack(&frame, &f->arena, &out), 0);
	assert_int_equal(out->register_->n_size, HMM_LIMIT_BATCH);
	assert_int_equal(out->register_->size[HMM_LIMIT_BATCH - 1], HMM_LIMIT_RANGE_SIZE);
}

static void the_widest_page_of_a_listing_fits(void **state)
{
	struct fixture *f = *state;
	Hmmd__QueryReply reply = HMMD__QUERY_REPLY__INIT;
	Hmmd__Message m = HMMD__MESSAGE__INIT, *out;
	static Hmmd__Cell cell = HMMD__CELL__INIT;
	Hmmd__Row row = HMMD__ROW__INIT, *rows[HMM_LIMIT_ROWS];
	Hmmd__Cell *cells[HMM_LIMIT_COLUMNS];
	struct frame frame;

	cell.value_case = HMMD__CELL__VALUE_NUMBER;
	cell.number = 1000000;
	for (size_t i = 0; i < HMM_LIMIT_COLUMNS; i++)
		cells[i] = &cell;
	for (size_t i = 0; i < HMM_LIMIT_ROWS; i++)
		rows[i] = &row;
	row.cell = cells;
	row.n_cell = HMM_LIMIT_COLUMNS;
	reply.row = rows;
	reply.n_row = HMM_LIMIT_ROWS;
	m.kind_case = HMMD__MESSAGE__KIND_QUERY_REPLY;
	m.query_reply = &reply;
	assert_int_equal(frame_pack(1, &m, f->packet, sizeof(f->packet), &f->size), 0);
	assert_int_equal(frame_cut(f->packet, f->size, &frame), 0);
	assert_int_equal(frame_unpack(&frame, &f->arena, &out), 0);
	assert_int_equal(out->query_reply->n_row, HMM_LIMIT_ROWS);
}

static void every_outcome_has_its_text(void **state)
{
	(void)state;
	for (int i = 0; i <= FRAME_E_BODY; i++)
		for (int j = i + 1; j <= FRAME_E_BODY + 1; j++)
			assert_string_not_equal(frame_text(i), frame_text(j));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_packed_can_be_cut),
		TEST(the_id_is_whole),
		TEST(short_packets),
		TEST(wrong_magic),
		TEST(wrong_length),
		TEST(too_large_to_cut),
		TEST(too_large_to_pack),
		TEST(a_body_that_is_no_message),
		TEST(a_body_that_wants_too_much),
		TEST(the_largest_batch_fits),
		TEST(the_widest_page_of_a_listing_fits),
		cmocka_unit_test(every_outcome_has_its_text),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
