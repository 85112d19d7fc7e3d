// SPDX-License-Identifier: GPL-2.0-or-later
/* A rig over a real backing (backed.h). */
#include "tests/unit/backed.h"

struct rig backed;
const char *backed_missing;

int backed_open(void **state)
{
	struct mech *mech;

	backed_missing = rig_backing(*state, &mech);
	if (backed_missing) {
		rig_backing_done();
		return 0;
	}
	rig_open(&backed, &(struct rig_options){
		.pages = BACKED_PAGES, .fast = BACKED_FAST, .far = BACKED_PAGES, .mech = mech, .map = true
	});
	return 0;
}

int backed_close(void **state)
{
	(void)state;
	if (backed_missing)
		return 0;
	rig_balanced(&backed);
	rig_close(&backed);
	rig_backing_done();
	return 0;
}
