/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rules that fields of many messages share, for proto/validate*.c alone. Each returns 0, or
 * not 0 with `why` set; they are chained with ||, so the first broken rule is the one named.
 */
#ifndef HMM_PROTO_VALIDATE_FIELD_H
#define HMM_PROTO_VALIDATE_FIELD_H

#include <stdbool.h>

#include "proto/validate.h"

/*
 * The vocabularies of the public header as the wire bounds them; proto/ may not include that
 * header, so the library asserts at compile time that they agree.
 */
enum validate_bound {
	VALIDATE_RANGE_FLAGS = 0x1,	/* all HMM_RANGE_* */
	VALIDATE_ADVICE_LAST = 12,	/* enum hmm_advice */
	VALIDATE_VERB_LAST = 7,		/* enum hmm_control_verb */
	VALIDATE_BASE_PAGE = 4096,	/* bytes */
	VALIDATE_ERRNO_LAST = 4095	/* the kernel's own bound */
};

int invalid_set(struct invalid *why, int code, const char *text);
/* ok, or EINVAL with that text. */
int check_that(bool ok, const char *text, struct invalid *why);
/* ok, or the code with that text. */
int check_or(bool ok, int code, const char *text, struct invalid *why);
/* At most `max` bytes of UTF-8 that a log or a terminal can show as it is (text.h). May be empty. */
int check_name(const char *s, size_t max, const char *text, struct invalid *why);
/* The same, but not empty. */
int check_named(const char *s, size_t max, const char *text, struct invalid *why);
/*
 * For people: at most HMM_LIMIT_TEXT bytes, any encoding, tabs and newlines, no control characters.
 */
int check_text(const char *s, struct invalid *why);
/* A piece of address space: aligned, not empty, not wrapping, below HMM_LIMIT_ADDRESS. */
int check_area(uint64_t addr, uint64_t size, uint64_t align, struct invalid *why);
/* A size of a range: aligned, not 0, at most HMM_LIMIT_RANGE_SIZE. */
int check_size(uint64_t size, uint64_t align, struct invalid *why);
/*
 * A piece of a range: the range is named, offset and length aligned, not wrapping, within the
 * largest range.
 */
int check_span(uint64_t range, uint64_t offset, uint64_t length, uint64_t align,
	       struct invalid *why);
/* NULL is allowed: all defaults. */
int check_options(const Hmmd__RangeOptions *o, struct invalid *why);

typedef int check_fn(const Hmmd__Message *m, struct invalid *why);

/* proto/validate_client.c: what a client sends. */
check_fn check_hello, check_alloc, check_map_range, check_register, check_free, check_resume,
	check_advise, check_migrate, check_pin, check_unpin, check_exclusive, check_query,
	check_control, check_zap_done;
/* proto/validate_daemon.c: what a daemon sends. */
check_fn check_hello_reply, check_alloc_reply, check_register_reply, check_op_started,
	check_op_done, check_tiers_reply, check_query_reply, check_error, check_zap, check_moved,
	check_lost, check_pressure, check_notice;

#endif
