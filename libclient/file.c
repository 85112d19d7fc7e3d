// SPDX-License-Identifier: LGPL-2.1-or-later
/* Files of managed ranges (file.h). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "libclient/client.h"
#include "libclient/file.h"

struct file *file_hold(struct hmm_client *c)
{
	if (c->file)
		c->file->users++;
	return c->file;
}

static int file_new(struct hmm_client *c, uint64_t inode, int fd, struct file **ret)
{
	struct file *f = c->file;

	if (f && inode && f->inode == inode) {	/* two threads asked for their first at once */
		close(fd);
		f->users++;
		*ret = f;
		return 0;
	}
	f = malloc(sizeof(*f));
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	*f = (struct file){ .fd = fd, .inode = inode, .users = 1 };
	if (inode)
		c->file = f;
	*ret = f;
	return 0;
}

int file_place(struct hmm_client *c, struct hmm_range *r, struct file *held, uint64_t inode, uint64_t offset, int fd)
{
	int err;

	if (fd >= 0) {
		err = file_new(c, inode, fd, &r->file);
		if (err)
			return err;
	} else if (held && held->inode == inode) {
		held->users++;
		r->file = held;
	} else {
		return -EPROTO;
	}
	r->fd = r->file->fd;
	r->offset = offset;
	return 0;
}

void file_clear(const struct hmm_range *r)
{
	if (r->file && r->file->inode)
		fallocate(r->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)r->offset, (off_t)r->size);
}

struct file *file_unref(struct hmm_client *c, struct file *f)
{
	if (!f || --f->users > 0)
		return NULL;
	if (c->file == f)
		c->file = NULL;
	close(f->fd);
	free(f);
	return NULL;
}
