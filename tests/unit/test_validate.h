/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared by the files of test_validate: a message of every kind, and what to expect of it. A test
 * starts from a good message, breaks one field and puts it back.
 */
#ifndef HMM_TESTS_UNIT_TEST_VALIDATE_H
#define HMM_TESTS_UNIT_TEST_VALIDATE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/validate.h"

#define HUGE_PAGE (2ULL << 20)

/* A Message of that kind around a body. */
#define MESSAGE(KIND_, member_, body_) \
	((Hmmd__Message){ PROTOBUF_C_MESSAGE_INIT(&hmmd__message__descriptor), \
			  .kind_case = HMMD__MESSAGE__KIND_##KIND_, .member_ = (body_) })

/*
 * Sets a field, sees that the message is refused with that code and a text that has that word,
 * restores it.
 */
#define BREAK(message_, from_, field_, value_, code_, word_) do { \
	__typeof__(field_) was_ = (field_); \
	(field_) = (value_); \
	expect_refused(&(message_), (from_), (code_), (word_)); \
	(field_) = was_; \
	expect_good(&(message_), (from_)); \
} while (0)

/* Sets a field, sees that the message is still good, restores it. */
#define ALLOW(message_, from_, field_, value_) do { \
	__typeof__(field_) was_ = (field_); \
	(field_) = (value_); \
	expect_good(&(message_), (from_)); \
	(field_) = was_; \
} while (0)

/* Both come with as many descriptors as the message wants. */
void expect_good(const Hmmd__Message *m, enum direction from);
void expect_refused(const Hmmd__Message *m, enum direction from, int code, const char *word);
/* n bytes of 'x'; the next call voids it. */
char *long_name(size_t n);
/* Every rule of names, for a field that may be empty. */
#define BREAK_NAME(message_, from_, field_, max_, word_) do { \
	BREAK(message_, from_, field_, long_name((max_) + 1), EINVAL, word_); \
	BREAK(message_, from_, field_, (char *)"a\nb", EINVAL, word_); \
	BREAK(message_, from_, field_, (char *)"a\x7f", EINVAL, word_); \
	BREAK(message_, from_, field_, (char *)"\xc3", EINVAL, word_); \
	BREAK(message_, from_, field_, (char *)"\xc2\x9b", EINVAL, word_); \
	ALLOW(message_, from_, field_, long_name(max_)); \
} while (0)

extern const struct CMUnitTest client_tests[], daemon_tests[];
extern const size_t n_client_tests, n_daemon_tests;

#endif
