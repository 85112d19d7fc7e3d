/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The path of our own socket, where systemd did not make it. */
#ifndef HMMD_IO_SERVER_SOCKET_H
#define HMMD_IO_SERVER_SOCKET_H

#include <stdbool.h>

/* Listens at path. A socket file that nobody listens on is removed first. -EADDRINUSE: somebody does; -ENAMETOOLONG; -errno. */
int server_socket_bind(const char *path, bool everybody, int *ret_fd);

#endif
