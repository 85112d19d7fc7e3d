/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the pure parts of the module (block, mirror, window, ring, limit, thrash) take from outside.
 * They decide and keep books, know neither locks nor clocks, and so run unchanged in a test
 * program: this header gives them the kernel's types, memory and bit search, or the C library's
 * equals.
 */
#ifndef HMMDEV_PURE_H
#define HMMDEV_PURE_H

#ifdef __KERNEL__

#include <asm/page.h>
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>

/* Zeroed memory, charged to the caller's memory cgroup. May sleep. NULL: none. */
static inline void *hmmdev_zalloc(size_t bytes)
{
	return kvzalloc(bytes, GFP_KERNEL_ACCOUNT);
}

/* What hmmdev_zalloc() gave. Sleeps only for what is larger than a page. */
static inline void hmmdev_zfree(void *memory)
{
	kvfree(memory);
}

static inline unsigned int hmmdev_lowest_bit(u64 word) /* word is not 0 */
{
	return __ffs64(word);
}

#else

#include <errno.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#define U32_MAX UINT32_MAX
#define U64_MAX UINT64_MAX

static inline void *hmmdev_zalloc(size_t bytes)
{
	return calloc(1, bytes);
}

static inline void hmmdev_zfree(void *memory)
{
	free(memory);
}

static inline unsigned int hmmdev_lowest_bit(u64 word)
{
	return (unsigned int)__builtin_ctzll(word);
}

#endif

#define HMMDEV_PAGE_SHIFT 12
#if defined(__KERNEL__) && PAGE_SHIFT != HMMDEV_PAGE_SHIFT
#error "the module is for kernels whose pages have 4 KiB"
#endif
#define HMMDEV_PAGE_SIZE (1ULL << HMMDEV_PAGE_SHIFT)
#define HMMDEV_HUGE_ORDER 9 /* 2 MiB: one entry of the PMD level */
#define HMMDEV_HUGE_PAGES (1U << HMMDEV_HUGE_ORDER)
#define HMMDEV_HUGE_SIZE (HMMDEV_PAGE_SIZE << HMMDEV_HUGE_ORDER)

#endif
