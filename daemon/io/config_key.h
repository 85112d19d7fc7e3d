/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sections and their keys as tables: what a key is called, which unit it wants, where its value goes. */
#ifndef HMMD_IO_CONFIG_KEY_H
#define HMMD_IO_CONFIG_KEY_H

#include "daemon/io/config_file.h"

struct config_section {
	const char *name;
	const char *form;	/* how the header is written */
	/* Finds or makes the target; `arg` is what stands after the name. 0, -EINVAL (told). */
	int (*begin)(struct config_parser *p, const char *arg);
	const struct config_key *keys;
	size_t n_keys;
};
/* NULL: none of that name. */
const struct config_section *config_section_find(const char *name);
/* The names, for texts. */
const char *config_section_forms(void);
const char *config_section_nearest(const char *name);
/* Sets one key of the current section. 0, -EINVAL (told). */
int config_key_set(struct config_parser *p, const char *name, const char *value);

/* config_target.c: what a section's header means. */
int config_begin_daemon(struct config_parser *p, const char *arg);
int config_begin_tier(struct config_parser *p, const char *arg);
int config_begin_policy(struct config_parser *p, const char *arg);
int config_begin_quota(struct config_parser *p, const char *arg);
int config_begin_match(struct config_parser *p, const char *arg);
/* Key `tier.NAME` of a quota. */
int config_add_tier_quota(struct config_parser *p, const char *tier, uint64_t bytes);

/* config_stood.c. In this section, that the parser is in. */
void config_stood_add(struct config_parser *p, const char *key, bool wrong);
/* The last of that place, or NULL. */
const struct config_stood *config_stood_find(const struct config_parser *p, const struct config_place *place);
/* In the file that is being read, in this section: the key, NULL: the section itself. */
const struct config_stood *config_stood_here(const struct config_parser *p, const char *key);

/* config_machine.c: what this machine has against what the configuration wants of it. */
void config_check_machine(struct config_parser *p);

#endif
