// SPDX-License-Identifier: GPL-2.0-or-later
/* Closing what a client has too (closing.h). */
#include <stdlib.h>
#include <unistd.h>

#include "daemon/io/closing.h"

struct closing {
	struct errand errand;
	closing_fn *closed;
	void *userdata;
	int fds[2];
};

static void run(struct errand *e)
{
	struct closing *c = container_of(e, struct closing, errand);

	for (size_t i = 0; i < sizeof(c->fds) / sizeof(c->fds[0]); i++)
		if (c->fds[i] >= 0)
			close(c->fds[i]);
}

static void done(struct errand *e)
{
	struct closing *c = container_of(e, struct closing, errand);

	c->closed(c->userdata);
	free(c);
}

struct closing *closing_send(struct errands *x, uint32_t uid, int one, int other, closing_fn *closed, void *userdata)
{
	struct closing *c = malloc(sizeof(*c));

	if (!c)
		return NULL;
	*c = (struct closing){ .errand = { .run = run, .done = done }, .closed = closed,
				.userdata = userdata, .fds = { one, other } };
	if (!errand_submit(x, uid, &c->errand))
		return c;
	free(c);
	return NULL;
}
