/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every maximum of the protocol in one place. Both sides check them with the same code
 * (proto/validate.h); a limit that is not here does not exist on the wire.
 */
#ifndef HMM_PROTO_LIMITS_H
#define HMM_PROTO_LIMITS_H

enum hmm_limit {
	HMM_LIMIT_VERSION_MIN = 1,		/* oldest protocol version this tree speaks */
	HMM_LIMIT_VERSION_MAX = 1,		/* newest */
	HMM_LIMIT_HEADER = 16,			/* bytes of the frame header */
	HMM_LIMIT_FRAME = 64 * 1024,		/* bytes of one frame, header included; below every default SO_SNDBUF */
	HMM_LIMIT_DECODE = 1024 * 1024,		/* bytes that decoding one frame may allocate */
	HMM_LIMIT_FDS = 32,			/* descriptors with one frame; the kernel's own limit is 253 */
	HMM_LIMIT_NAME = 63,			/* bytes of a client, range or policy name, without the NUL */
	HMM_LIMIT_TIER_NAME = 31,		/* bytes of a tier name */
	HMM_LIMIT_TEXT = 1024,			/* bytes of an error or notice text */
	HMM_LIMIT_VALUE = 255,			/* bytes of a policy key or value, of a query argument */
	HMM_LIMIT_TIERS = 32,			/* tiers of a daemon; 5 bits in a page word */
	HMM_LIMIT_BATCH = 4096,			/* ranges in one Register or Free */
	HMM_LIMIT_RESUME = 1024,		/* ranges in one Resume */
	HMM_LIMIT_SPANS = 512,			/* spans in one Zap */
	HMM_LIMIT_COLUMNS = 40,			/* columns of a listing */
	HMM_LIMIT_ROWS = 256,			/* rows in one page of a listing */
	HMM_LIMIT_QUEUE = 1024 * 1024,		/* bytes waiting for a peer that does not read: then it is cut off */
	HMM_LIMIT_QUEUE_STOP = 256 * 1024,	/* bytes waiting above which no more requests are read */
	HMM_LIMIT_REQUESTS_PER_TURN = 32,	/* frames read from one peer in one turn of the loop */
	HMM_LIMIT_OPS = 1024,			/* unfinished operations of a client */
	HMM_LIMIT_CLIENTS = 4096		/* sessions of a daemon; how many of one uid: hmmd.conf(5) */
};

/* 'H' 'M' 'D' '1' in the order of the wire, which is little-endian. */
#define HMM_FRAME_MAGIC 0x31444d48u
/* User addresses end here on x86-64 with four levels; ranges lie below. */
#define HMM_LIMIT_ADDRESS (1ULL << 47)
/* One range; 2^23 pages of 2 MiB. */
#define HMM_LIMIT_RANGE_SIZE (1ULL << 44)
/* The one file of a client's managed ranges: as far as file offsets reach, for it is never used twice at one place. */
#define HMM_LIMIT_FILE (1ULL << 62)

#endif
