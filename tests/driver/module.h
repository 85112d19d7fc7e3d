/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading and unloading, without a wait: HMM_MODULE is the file, HMM_MODULE_ARGS its parameters. */
#ifndef HMMD_TESTS_DRIVER_MODULE_H
#define HMMD_TESTS_DRIVER_MODULE_H

int module_unload(void);	/* 0 or -errno */
void module_load(void);
/* Both, several times; the node comes and goes with it. */
void module_reload(int times);

#endif
