// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hmmctl doctor: what works on this machine and what would change the rest. The daemon checks what it
 * uses; without one the client's side still tells why there is none to talk to.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "libclient/ctl/ctl.h"
#include "libclient/ctl/grid.h"
#include "libclient/ctl/text.h"

struct finding {
	const char *check, *state, *text, *remedy;
};
struct report {
	struct grid *grid;
	struct json_object *list;
};

static void add_text(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, *text ? json_text(text) : NULL);
}

static void add_row(struct grid *g, const char *check, const char *state, const char *text)
{
	grid_cell(g, check);
	grid_cell(g, state);
	grid_cell(g, text);
}

/* What would change it stands on a line of its own: it is there to be copied. */
static void add(struct report *r, const struct finding *f)
{
	struct json_object *o = must(json_object_new_object());
	char *remedy = NULL;

	if (asprintf(&remedy, "-> %s", f->remedy) < 0)
		must(NULL);

	add_row(r->grid, f->check, f->state, f->text);
	if (*f->remedy)
		add_row(r->grid, " ", " ", remedy);
	free(remedy);
	add_text(o, "check", f->check);
	add_text(o, "state", f->state);
	add_text(o, "text", f->text);
	add_text(o, "remedy", f->remedy);
	json_object_array_add(r->list, o);
}

static void add_rows(struct report *r, const struct hmm_table *t)
{
	for (size_t row = 0; row < hmm_table_rows(t); row++)
		add(r, &(struct finding){ table_text(t, row, "check"), table_text(t, row, "state"),
					  table_text(t, row, "text"), table_text(t, row, "remedy") });
}

/* What the connection says about itself. */
static void add_connection(struct report *r, const struct ctl *c, int error)
{
	struct finding f = { "daemon", "missing", c->why, "systemctl start hmmd" };

	if (!error)
		f = (struct finding){ "daemon", "ok", "answers", "" };
	else if (error == -ENOENT)
		f.text = c->why;
	else if (error == -ECONNREFUSED)
		f.text = "the socket is there, but nobody listens: the daemon ended";
	else if (error == -EACCES || error == -EPERM)
		f = (struct finding){ "daemon", "missing", "you may not open the socket",
				      "chmod a+rw on the socket, or ask its owner" };
	else if (error == -EPROTONOSUPPORT)
		f = (struct finding){ "daemon", "missing", "speaks another version of the protocol",
				      "install hmmd and libhmmclient of one version" };
	else if (!c->why[0])
		f.text = strerror(-error);
	add(r, &f);
}

static void add_machine(struct report *r)
{
	struct utsname u;

	if (uname(&u) == 0)
		add(r, &(struct finding){ "kernel", "ok", u.release, "" });
	if (access("/dev/userfaultfd", F_OK) == 0)
		add(r, &(struct finding){ "userfaultfd", "ok", "/dev/userfaultfd is there", "" });
	else
		add(r, &(struct finding){ "userfaultfd", "degraded",
					  "no /dev/userfaultfd: faults of the kernel need privileges",
					  "Linux 6.1 or later, CONFIG_USERFAULTFD=y" });
	if (access("/sys/kernel/mm/hugepages/hugepages-2048kB", F_OK) == 0)
		add(r, &(struct finding){ "hugetlb", "ok", "the kernel has 2 MiB huge pages", "" });
	else
		add(r, &(struct finding){ "hugetlb", "degraded", "no 2 MiB hugetlb pages: tmpfs instead",
					  "CONFIG_HUGETLBFS=y" });
}

static void print(struct report *r, bool json)
{
	if (json) {
		ctl_print_json("doctor", r->list);
	} else {
		grid_print(r->grid, stdout);
		json_object_put(r->list);
	}
	grid_free(r->grid);
}

static void report_init(struct report *r)
{
	r->grid = grid_new(3);
	r->list = must(json_object_new_array());
	grid_head(r->grid, 0, "CHECK", false);
	grid_head(r->grid, 1, "STATE", false);
	grid_head(r->grid, 2, "FOUND, AND WHAT WOULD CHANGE IT", false);
}

int verb_doctor(struct ctl *c)
{
	struct report report;
	struct hmm_table *t = NULL;
	int r = ctl_connect(c), status = CTL_DONE;

	if (r == 0)
		status = ctl_query(c, "doctor", NULL, &t);
	report_init(&report);
	add_connection(&report, c, r);
	if (t)
		add_rows(&report, t);
	else
		add_machine(&report);
	hmm_table_free(t);
	print(&report, c->json);
	return r < 0 ? ctl_no_daemon(c, r) : status;
}
