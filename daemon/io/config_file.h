/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a configuration: the main file, then its drop-ins in order. The value of a later file wins; an
 * unknown section, key or unit is an error that names file and line, what is wrong and what would be
 * right. Reading goes on after an error, so that all of them are told. libinih splits the lines; a reader of our own hands them over, because the library neither
 * counts lines for its caller nor says when it cuts one off.
 */
#ifndef HMMD_IO_CONFIG_FILE_H
#define HMMD_IO_CONFIG_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/core/config.h"
#include "daemon/io/config_report.h"

enum {
	CONFIG_LINE = 1024,		/* bytes of a line */
	CONFIG_FILE_SIZE = 1024 * 1024	/* bytes of a file */
};

/* A limit for one tier, kept until all tiers are known. */
struct config_tier_quota {
	uint32_t quota;			/* index, or CONFIG_QUOTAS for the default one */
	uint32_t line;
	char tier[HMM_LIMIT_TIER_NAME + 1];
	const char *file;		/* the parser's */
	uint64_t bytes;
};

/* Where a section or a key stood. */
struct config_stood {
	struct config_place place;	/* of the default quota: index CONFIG_QUOTAS */
	const char *file;		/* the parser's */
	unsigned int line;
	bool wrong;			/* that was told already */
};

struct config_file_name {
	struct config_file_name *next;
	char name[];
};

struct config_key;
struct config_parser {
	struct config *config;
	struct config_report *report;
	struct config_file_name *files;	/* malloc'ed: all that were read */
	const char *file;		/* being read, of these */
	unsigned int line;		/* of it, from 1 */
	const char *at, *end;		/* what is left of it */
	const struct config_section *section;	/* NULL before the first */
	struct config_place place;	/* of the section: what its keys go into */
	void *target;
	bool skipping;			/* the section is none, so its keys mean nothing */
	bool sections_lost;		/* there was such a section: names that are missing may have been in it */
	struct config_stood *stood;	/* malloc'ed */
	size_t n_stood;
	struct config_tier_quota *quotas;	/* malloc'ed */
	size_t n_quotas;
};

/* config must be of config_defaults(); the report is the caller's and lives as long. */
void config_parser_init(struct config_parser *p, struct config *config, struct config_report *report);
void config_parser_done(struct config_parser *p);
/* One file's contents; may be called for several in order. 0, -EINVAL (reported), -ENOMEM. */
int config_parse(struct config_parser *p, const char *file, const char *text, size_t size);
/* After the last file, when all tiers are known: limits for tiers find their tier. 0, -EINVAL (reported). */
int config_parse_end(struct config_parser *p);
/* At the line that is being read. Returns -EINVAL. */
int config_fail(struct config_parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Where that place is in the files, unless it was told to be wrong by itself. */
void config_fail_at(struct config_parser *p, const struct config_place *place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void config_warn_at(struct config_parser *p, const struct config_place *place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * A whole configuration, checked. path NULL: the default one, which may be missing. ret_origin says for
 * people which files were read. 0, -EINVAL with what is wrong in the report, -ENOMEM; in each case with warnings.
 */
int config_load(struct config *ret, const char *path, bool rootless, char *ret_origin, size_t origin_size,
		struct config_report *ret_report);

#endif
