// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Opening the kernel driver's node and handing it over (driver.h). It is tried again with each call
 * that registers, for the price of one open(2): the module may be loaded, or the program let in,
 * later.
 */
#include <fcntl.h>

#include "drivers/uapi/hmmdev.h"
#include "libclient/client.h"
#include "libclient/clock.h"
#include "libclient/driver.h"

bool driver_wanted(const struct hmm_client *c)
{
	return c->session.features & HMMD__FEATURE__FEATURE_DRIVER;
}

void driver_attach(struct hmm_client *c)
{
	Hmmd__AttachDriver body = HMMD__ATTACH_DRIVER__INIT;
	Hmmd__Message m = WIRE_MESSAGE(ATTACH_DRIVER, attach_driver, &body);
	struct request req = { .quiet = true };
	uint64_t connection;

	if (session_settle(c) || c->driver_attached || !driver_wanted(c))
		return;
	if (c->driver < 0)
		c->driver = open(HMMDEV_PATH, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (c->driver < 0)
		return;
	/*
	 * Set before: the lock is released meanwhile, and another thread must not send it too. On a
	 * new connection it was sent again by then.
	 */
	connection = c->session.connection;
	c->driver_attached = true;
	if (wire_call(c, &req, &m, &c->driver, 1, clock_after(WIRE_ANSWER_US)) &&
	    connection == c->session.connection)
		c->driver_attached = false;
}
