/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The version as configure was told. */
#ifndef HMMD_IO_VERSION_H
#define HMMD_IO_VERSION_H

#define HMMD_VERSION PACKAGE_VERSION

#endif
