/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The threads of a daemon over a rig (rig.h). The loop is turned by the tests. */
#ifndef TESTS_UNIT_CREW_RIG_H
#define TESTS_UNIT_CREW_RIG_H

#include "daemon/io/crew.h"
#include "daemon/io/daemon.h"
#include "daemon/io/schedule.h"
#include "tests/support/test.h"
#include "tests/unit/rig.h"

extern struct rig g;
extern struct daemon d;

void crew_rig_open(const struct rig_options *o);
void crew_rig_end_threads(void);	/* before the end of the test */
/* Nothing is held that nobody answers for, and the books are right. A teardown. */
int crew_rig_close(void **state);
void crew_rig_submit(struct range *r, enum move_kind kind, unsigned int page, enum move_reason reason,
		     unsigned int tier);

/* Turns the loop until the condition holds. */
#define turn_until(condition) assert_soon((uv_run(d.loop, UV_RUN_NOWAIT), (condition)))

#endif
