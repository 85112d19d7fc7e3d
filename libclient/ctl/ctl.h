/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the verbs of hmmctl share: the table of verbs, the connection, the ways to fail. */
#ifndef HMMCTL_CTL_H
#define HMMCTL_CTL_H

#include <hmmclient.h>

#include "libclient/ctl/args.h"
#include "libclient/ctl/view.h"

/* Exit statuses that scripts rely on. */
enum { CTL_DONE = 0, CTL_FAILED = 1, CTL_USAGE = 2, CTL_NO_DAEMON = 3 };

struct ctl;

struct verb {
	const char *name, *second;	/* second: "list" of `policy list`, or NULL */
	const char *synopsis;		/* what follows the name */
	const char *summary;
	const char *more;		/* further help, or NULL */
	const char *example;
	unsigned int options;		/* enum args_option beyond those that go everywhere */
	size_t least, most;		/* words after the name */
	int (*run)(struct ctl *c);	/* an exit status */
};
struct ctl {
	struct args args;
	const struct verb *verb;
	const char *const *word;	/* after the name */
	size_t n_words;
	bool json;
	struct hmm_client *client;	/* NULL before ctl_open() */
	char why[256];			/* there is none, "" where the error says all */
};

extern const struct verb ctl_verbs[];	/* ends with name NULL */

/* All print one line to stderr and return the exit status. */
int ctl_usage(const struct ctl *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
int ctl_fail(const struct ctl *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A refusal of the daemon (its own words) or an errno of the library. */
int ctl_refused(const struct ctl *c, int error);

/* Connects if it is not done. CTL_DONE, or said why not. */
int ctl_open(struct ctl *c);
/* Where the daemon is looked for. */
/* Says why there is no connection; the exit status. */
int ctl_no_daemon(const struct ctl *c, int error);
/* Connects and says nothing: 0 or -errno. */
int ctl_connect(struct ctl *c);

/* Opens, asks, shows: a whole verb. arg: NULL or a word. */
int ctl_list(struct ctl *c, const char *topic, const char *arg, const struct view *v);
/* Opens if need be and asks. CTL_DONE with *ret, or said why not. */
int ctl_query(struct ctl *c, const char *topic, const char *arg, struct hmm_table **ret);
/* Prints {name: value}. */
void ctl_print_json(const char *name, struct json_object *value);

/* Carries out a request that moves pages, shows progress if asked to wait, prints what came of it. */
int ctl_move(struct ctl *c, const struct hmm_control *control, bool wait);
/* Carries out a request that is over at once; CTL_DONE after `done` was printed. */
int ctl_change(struct ctl *c, const struct hmm_control *control, const char *done);
/* The word as PID[:ADDR-END] into control. */
int ctl_span(const struct ctl *c, const char *word, struct hmm_control *control);

void help_all(FILE *out);
void help_verb(const struct verb *v, FILE *out);
void help_usage(const struct verb *v, FILE *out);

int verb_status(struct ctl *c);
int verb_clients(struct ctl *c);
int verb_users(struct ctl *c);
int verb_ranges(struct ctl *c);
int verb_pages(struct ctl *c);
int verb_gcore(struct ctl *c);
int verb_tiers(struct ctl *c);
int verb_policy_list(struct ctl *c);
int verb_policy_show(struct ctl *c);
int verb_policy_set(struct ctl *c);
int verb_migrate(struct ctl *c);
int verb_pin(struct ctl *c);
int verb_unpin(struct ctl *c);
int verb_drain(struct ctl *c);
int verb_undrain(struct ctl *c);
int verb_events(struct ctl *c);
int verb_doctor(struct ctl *c);
int verb_reload(struct ctl *c);
int verb_version(struct ctl *c);
int verb_help(struct ctl *c);

#endif
