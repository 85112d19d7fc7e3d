/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking again, a slice a second, where the pages are that nobody has moved: on a machine of several nodes the kernel
 * moves them too, and tells nobody. Costs nothing on a machine of one node.
 */
#ifndef HMMD_IO_SURVEY_H
#define HMMD_IO_SURVEY_H

struct daemon;

void survey_round(struct daemon *d);	/* every second */

#endif
