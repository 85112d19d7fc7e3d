/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole configuration as plain data. daemon/io/config*.c reads it from files; core checks and applies it. */
#ifndef HMMD_CORE_CONFIG_H
#define HMMD_CORE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include "proto/limits.h"

enum { CONFIG_PATH = 256, CONFIG_UUID = 16, CONFIG_POLICIES = 32, CONFIG_QUOTAS = 64, CONFIG_MATCHES = 64, CONFIG_NODES = 64 };

/* A limit that depends on the machine: io puts a figure in its place before core sees it. */
#define CONFIG_AUTO (UINT64_MAX - 1)
#define CONFIG_AUTO32 (UINT32_MAX - 1)

enum tier_kind {	/* values of enum hmm_tier_kind of the library */
	TIER_NUMA = 1, TIER_MEMORY = 2, TIER_FILE = 3, TIER_KERNEL = 4, TIER_CUDA = 5
};
enum backing_choice { BACKING_CHOICE_AUTO, BACKING_CHOICE_HUGETLB, BACKING_CHOICE_THP, BACKING_CHOICE_SMALL };
enum engine { ENGINE_TIERED, ENGINE_STATIC };

struct tier_config {
	char name[HMM_LIMIT_TIER_NAME + 1];
	enum tier_kind kind;
	uint64_t nodes;			/* bit mask, TIER_NUMA */
	uint64_t capacity;		/* bytes, multiple of the huge page; 0: all of the node (numa), 1 GiB (memory) */
	uint32_t high, low;		/* per cent of capacity: above high eviction begins, it ends at low; defaults 95, 90 */
	char path[CONFIG_PATH];		/* TIER_FILE: file or directory; TIER_KERNEL: device node */
	uint32_t index;			/* TIER_KERNEL, TIER_CUDA */
	/* Not of the configuration but of the record: whose contents the device had. generation 0: it has none of its own. */
	uint8_t uuid[CONFIG_UUID];
	uint64_t generation;
};
struct policy_config {
	char name[HMM_LIMIT_NAME + 1];
	enum engine engine;
	char tiers[HMM_LIMIT_TIERS][HMM_LIMIT_TIER_NAME + 1];	/* in order of preference; n_tiers 0: all, in order */
	uint32_t n_tiers;
	uint64_t rate;			/* bytes per second of background moves; 0: unlimited */
	uint64_t burst;			/* bytes; at least one huge page */
	uint64_t min_residency_us;	/* a page brought in stays at least this long */
	bool track;			/* use the zap tracker */
};
struct quota_config {
	uint32_t uid;
	uint64_t bytes[HMM_LIMIT_TIERS];	/* per tier of the same configuration, UINT64_MAX: no limit of its own */
	uint64_t managed;		/* bytes of managed ranges, UINT64_MAX none */
	uint64_t adopted;		/* bytes of adopted ranges, UINT64_MAX none */
	uint64_t pinned;		/* bytes */
	uint64_t ledger;		/* bytes in the state directory; CONFIG_AUTO: a share of what it has */
	uint64_t queued;		/* bytes of answers that wait to be read */
	uint32_t ranges;
	uint32_t connections, operations;
	uint32_t stored;		/* descriptors in systemd's store; CONFIG_AUTO32: a share of it */
	uint32_t weight;		/* share when tiers are contended; default 100 */
};
struct match_config {
	char unit[HMM_LIMIT_NAME + 1];	/* systemd unit of the client, or "" */
	char program[HMM_LIMIT_NAME + 1]; /* its /proc comm, or "" */
	uint32_t uid;			/* UINT32_MAX: any */
	char policy[HMM_LIMIT_NAME + 1];
};
struct config {
	char socket[CONFIG_PATH], state_dir[CONFIG_PATH], control_group[64];
	char uffd_group[64];	/* who is handed /dev/userfaultfd; "": everybody */
	enum backing_choice backing;
	uint64_t huge_pages;			/* bytes that the machine's overcommit is raised by at the most; 0: by what the tiers need */
	uint32_t fault_threads, workers;	/* of each user, 1..16; defaults: half the CPUs up to 4 (io), 2 */
	uint64_t tick_us;			/* decisions at least this often under load; default 100 ms */
	uint64_t track_us;			/* tracker round; default 1 s */
	struct quota_config default_quota;	/* uid UINT32_MAX */
	struct tier_config tiers[HMM_LIMIT_TIERS];
	uint32_t n_tiers;
	struct policy_config policies[CONFIG_POLICIES];
	uint32_t n_policies;
	struct quota_config quotas[CONFIG_QUOTAS];
	uint32_t n_quotas;
	struct match_config matches[CONFIG_MATCHES];
	uint32_t n_matches;
};

/* Of [quota default], where no key says otherwise. */
void config_quota_defaults(struct quota_config *q);
/* The quota of a uid: its own, else the default. */
const struct quota_config *config_quota(const struct config *c, uint32_t uid);
void config_defaults(struct config *c);	/* no tiers, one policy "default" (tiered) */
void config_tier_defaults(struct tier_config *t);	/* marks; all else empty */
/*
 * Gives the tiers of `kept`, which have names of their own, the places that they have there; others follow.
 * CONFIG_E_MISSING: kept[*ret_missing] is not in the configuration, which is left as it was.
 */
enum { CONFIG_E_MISSING = 1 };
int config_keep_places(struct config *c, const struct tier_config *kept, uint32_t n, uint32_t *ret_missing);
/* Why pages that were put into `old` would not be found in `new`, as in "tier far ...", or NULL. */
const char *config_tier_moved(const struct tier_config *old, const struct tier_config *new);
/* What something that is wrong is about, so that whoever read the configuration can say where that stands. */
enum config_part { CONFIG_WHOLE, CONFIG_DAEMON, CONFIG_TIER, CONFIG_POLICY, CONFIG_QUOTA, CONFIG_MATCH };
struct config_place {
	enum config_part part;
	uint32_t index;		/* of the tier, policy, quota (n_quotas: the default), match */
	const char *key;	/* as in hmmd.conf(5), or NULL: the section */
};
/* text: what is wrong and what would be right, at most 255 bytes; valid during the call. */
typedef void config_wrong_fn(void *userdata, const struct config_place *place, const char *text);
/*
 * Tells all that single values cannot show: names used twice, policies that name unknown tiers, no numa tier, marks,
 * bursts. Returns how many.
 */
unsigned int config_check_all(const struct config *c, config_wrong_fn *tell, void *userdata);
/* The first of them. -EINVAL with its text. */
int config_check(const struct config *c, char *ret_text, uint32_t text_size);
/* One policy against the tiers of a configuration. -EINVAL with a text. */
int config_check_policy(const struct config *c, const struct policy_config *p, char *ret_text, uint32_t text_size);

#endif
