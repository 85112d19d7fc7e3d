// SPDX-License-Identifier: LGPL-2.1-or-later
/* Finding the daemon. What this user may see and change there, the daemon decides. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/ctl/ctl.h"
#include "libclient/ctl/text.h"

int ctl_connect(struct ctl *c)
{
	struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;

	o.socket_path = c->args.socket;
	o.name = "hmmctl";
	o.flags = HMM_CLIENT_NO_HELPER;
	o.error_text = c->why;
	o.error_size = sizeof(c->why);
	return hmm_client_new(&c->client, &o);
}

/* In its own words, or the daemon's, which are not to be trusted with a terminal. */
static int cannot(const struct ctl *c, const char *otherwise)
{
	char *why = printable(c->why);

	int r = ctl_fail(c, "cannot connect: %s", *why ? why : otherwise);

	free(why);
	return r;
}

int ctl_no_daemon(const struct ctl *c, int error)
{
	switch (-error) {
	case ENOENT:
	case ECONNREFUSED:
		ctl_fail(c, "%s; start it with `systemctl start hmmd`, or as a user with `hmmd --rootless`", c->why);
		return CTL_NO_DAEMON;
	case ENOTSOCK:
	case ENOTCONN:
		cannot(c, "the daemon went away");
		return CTL_NO_DAEMON;
	case EPROTONOSUPPORT:
		return cannot(c, "the daemon there speaks another version of the protocol");
	default:
		return cannot(c, strerror(-error));
	}
}

int ctl_open(struct ctl *c)
{
	int r = c->client ? 0 : ctl_connect(c);

	return r < 0 ? ctl_no_daemon(c, r) : CTL_DONE;
}

/* The daemon may have more than one thing to say, a line each. */
static void fail_lines(const struct ctl *c, const char *text)
{
	for (const char *end; *text; text = *end ? end + 1 : end) {
		char *line, *shown;

		end = text + strcspn(text, "\n");
		line = must(strndup(text, (size_t)(end - text)));
		shown = printable(line);
		ctl_fail(c, "%s", shown);
		free(shown);
		free(line);
	}
}

int ctl_refused(const struct ctl *c, int error)
{
	const char *text = hmm_client_last_error(c->client);

	if (error == -ENOTCONN) {
		ctl_fail(c, "the daemon went away");
		return CTL_NO_DAEMON;
	}
	fail_lines(c, *text ? text : strerror(-error));
	return CTL_FAILED;
}
