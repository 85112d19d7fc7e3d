// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The static engine: no temperature. Pages come when they are asked for, stay, and above the high
 * mark the ones filled first go first (rank.c), so what it does can be foretold from the order of
 * touches.
 */
#include "daemon/core/world.h"

const struct policy_engine policy_static = { ENGINE_STATIC, "static", policy_relieve };
