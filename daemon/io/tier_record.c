// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tiers on record (tier_record.h): a line that names the version, then one line each in the order of their
 * places:
 *	KIND INDEX CAPACITY GENERATION UUID NAME PATH
 * with the kind as in enum tier_kind, the capacity in bytes as the device was opened, the identity of a device
 * whose contents outlive the daemon by themselves (0 and zeros: it has none), and the path to the end of the line,
 * if there is one. A new record takes the place of the old one whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/io/tier_record.h"

enum { RECORD_PATH = CONFIG_PATH + 16, RECORD_LINE = CONFIG_PATH + HMM_LIMIT_TIER_NAME + 128, UUID_DIGITS = 2 * CONFIG_UUID };
#define RECORD_FIRST "hmmd tiers 2\n"

static int read_uuid(const char *digits, uint8_t *ret)
{
	size_t i;

	if (strlen(digits) != UUID_DIGITS)
		return -EBADMSG;
	for (i = 0; i < CONFIG_UUID; i++)
		if (sscanf(digits + 2 * i, "%2" SCNx8, &ret[i]) != 1)
			return -EBADMSG;
	return 0;
}

static int read_tier(const char *line, struct tier_config *ret)
{
	char digits[UUID_DIGITS + 1];
	unsigned int kind;

	config_tier_defaults(ret);
	if (sscanf(line, "%u %" SCNu32 " %" SCNu64 " %" SCNu64 " %32[0-9a-f] %31s %255[^\n]", &kind, &ret->index,
		   &ret->capacity, &ret->generation, digits, ret->name, ret->path) < 6 ||
	    kind < TIER_NUMA || kind > TIER_CUDA)
		return -EBADMSG;
	ret->kind = (enum tier_kind)kind;
	return read_uuid(digits, ret->uuid);
}

static bool named_before(const struct tier_config *tiers, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n && strcmp(tiers[i].name, tiers[n].name); i++)
		;
	return i < n;
}

static int read_tiers(FILE *f, struct tier_config *tiers, uint32_t *ret_n)
{
	char line[RECORD_LINE];
	uint32_t n;

	if (!fgets(line, sizeof(line), f))
		return ferror(f) ? -EIO : -EBADMSG;
	if (strcmp(line, RECORD_FIRST))
		return -EPROTONOSUPPORT;
	for (n = 0; fgets(line, sizeof(line), f); n++)
		if (n == HMM_LIMIT_TIERS || read_tier(line, &tiers[n]) || named_before(tiers, n))
			return -EBADMSG;
	*ret_n = n;
	return ferror(f) ? -EIO : 0;
}

/* Nothing on record is not an error: then there is nothing to keep to. */
static int load(const char *path, struct tier_config *tiers, uint32_t *ret_n)
{
	FILE *f = fopen(path, "re");
	int r;

	if (!f)
		return errno == ENOENT ? 0 : -errno;
	r = read_tiers(f, tiers, ret_n);
	fclose(f);
	return r;
}

/* A device that is opened smaller loses what lies behind its end. */
static const char *take_place(const struct tier_config *old, struct tier_config *c)
{
	if (c->kind != TIER_NUMA && c->capacity < old->capacity)
		c->capacity = old->capacity;
	memcpy(c->uuid, old->uuid, sizeof(c->uuid));
	c->generation = old->generation;
	return config_tier_moved(old, c);
}

int tier_record_keep(const char *state_dir, struct config *c, char *ret_text, size_t text_size)
{
	struct tier_config old[HMM_LIMIT_TIERS];
	uint32_t n = 0, i;
	char path[RECORD_PATH];
	const char *why = NULL;
	int r;

	snprintf(path, sizeof(path), "%s/tiers", state_dir);
	r = load(path, old, &n);
	if (r) {
		snprintf(ret_text, text_size, "%s cannot be used (%s): remove it if the tiers are what they were", path,
			 r == -EPROTONOSUPPORT ? "another version of hmmd wrote it" : strerror(-r));
		return r;
	}
	if (config_keep_places(c, old, n, &i)) {
		why = "is missing";
	} else {
		for (i = 0; i < n && !(why = take_place(&old[i], &c->tiers[i])); i++)
			;
	}
	if (why)
		snprintf(ret_text, text_size, "tier %s %s: put its section back as it was", old[i].name, why);
	return why ? -EINVAL : 0;
}

static int write_tier(FILE *f, const struct tier_config *t)
{
	uint32_t i;

	fprintf(f, "%d %" PRIu32 " %" PRIu64 " %" PRIu64 " ", (int)t->kind, t->index, t->capacity, t->generation);
	for (i = 0; i < CONFIG_UUID; i++)
		fprintf(f, "%02x", t->uuid[i]);
	return fprintf(f, " %s %s\n", t->name, t->path) < 0 ? -EIO : 0;
}

static int write_tiers(FILE *f, const struct world *w, const struct config *c)
{
	uint32_t i;
	int r = fputs(RECORD_FIRST, f) < 0 ? -EIO : 0;

	for (i = 0; !r && (i < w->n_tiers || i < c->n_tiers); i++)
		r = write_tier(f, i < w->n_tiers ? &w->tiers[i].config : &c->tiers[i]);
	return r;
}

/* Whoever could write it would decide where pages are read from. */
static FILE *create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (!f && fd >= 0)
		close(fd);
	return f;
}

int tier_record_write(const struct world *w, const struct config *c)
{
	char path[RECORD_PATH], fresh[RECORD_PATH];
	FILE *f;
	int r;

	snprintf(path, sizeof(path), "%s/tiers", w->config.state_dir);
	snprintf(fresh, sizeof(fresh), "%s/tiers.new", w->config.state_dir);
	f = create(fresh);
	if (!f)
		return -errno;
	r = write_tiers(f, w, c);
	if (fclose(f) && !r)
		r = -errno;
	if (!r && rename(fresh, path) < 0)
		r = -errno;
	if (r)
		unlink(fresh);
	return r;
}
