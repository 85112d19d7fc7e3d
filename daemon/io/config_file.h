/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a configuration: the main file, then its drop-ins in order. A later value of a key wins; an
 * unknown section, key or unit is an error that names file and line, what is wrong and what would be
 * right. libinih splits the lines; a reader of our own hands them over, because the library neither
 * counts lines for its caller nor says when it cuts one off.
 */
#ifndef HMMD_IO_CONFIG_FILE_H
#define HMMD_IO_CONFIG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include "daemon/core/config.h"

enum {
	CONFIG_TEXT = 512,		/* bytes of an error text */
	CONFIG_LINE = 1024,		/* bytes of a line */
	CONFIG_FILE_SIZE = 1024 * 1024	/* bytes of a file */
};

/* A limit for one tier, kept until all tiers are known. */
struct config_tier_quota {
	uint32_t quota;			/* index, or CONFIG_QUOTAS for the default one */
	uint32_t line;
	char tier[HMM_LIMIT_TIER_NAME + 1];
	char file[CONFIG_PATH];
	uint64_t bytes;
};

struct config_key;
struct config_parser {
	struct config *config;
	const char *file;		/* being read */
	unsigned int line;		/* of it, from 1 */
	const char *at, *end;		/* what is left of it */
	const struct config_section *section;	/* NULL before the first */
	void *target;			/* what the section's keys go into */
	uint32_t quota;			/* index of the quota section */
	uint32_t tiers_here;		/* bit per tier: has a section in this file */
	bool failed;
	char text[CONFIG_TEXT];		/* set with failed */
	struct config_tier_quota *quotas;	/* malloc'ed */
	size_t n_quotas;
};

/* config must be of config_defaults(). */
void config_parser_init(struct config_parser *p, struct config *config);
void config_parser_done(struct config_parser *p);
/* One file's contents; may be called for several in order. 0, or -EINVAL with p->text. -ENOMEM. */
int config_parse(struct config_parser *p, const char *file, const char *text, size_t size);
/* After the last file, when all tiers are known: limits for tiers find their tier. */
int config_parse_end(struct config_parser *p);
/* The first error stays. Returns -EINVAL. */
int config_fail(struct config_parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * A whole configuration, checked. path NULL: the default one, which may be missing. ret_origin says for
 * people which files were read. 0, -EINVAL with a text, -ENOMEM.
 */
int config_load(struct config *ret, const char *path, bool rootless, char *ret_origin, size_t origin_size,
		char *ret_text, size_t text_size);

#endif
