// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: The node /dev/hmm
 *
 * A descriptor is the address space of whoever opened it, for as long as it is open, whoever holds
 * it by then. With test=1 the node can be mapped: to ordinary pages in a VM_MIXEDMAP mapping, the
 * one kind of memory that a test cannot get otherwise.
 */
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/module.h>
#include <linux/uio.h>

#include "space.h"

static int hmmdev_open(struct inode *inode, struct file *file)
{
	struct hmmdev_space *space = hmmdev_space_open();

	if (IS_ERR(space))
		return PTR_ERR(space);
	file->private_data = space;
	/*
	 * Who was passed the descriptor shares its flags with who passed it, so that one must be
	 * able to say with each read that it does not wait (RWF_NOWAIT).
	 */
	file->f_mode |= FMODE_NOWAIT;
	return nonseekable_open(inode, file);
}

static int hmmdev_release(struct inode *inode, struct file *file)
{
	hmmdev_space_close(file->private_data);
	return 0;
}

static ssize_t hmmdev_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *file = iocb->ki_filp;
	bool wait = !(file->f_flags & O_NONBLOCK) && !(iocb->ki_flags & IOCB_NOWAIT);

	return hmmdev_event_read(file->private_data, to, wait);
}

static __poll_t hmmdev_poll(struct file *file, poll_table *wait)
{
	return hmmdev_event_poll(file->private_data, file, wait);
}

static int hmmdev_mmap_page(struct vm_area_struct *vma, unsigned long addr)
{
	struct page *page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	int rc;

	if (!page)
		return -ENOMEM;
	rc = vm_insert_page(vma, addr, page);
	put_page(page);
	return rc;
}

static int hmmdev_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long addr;
	int rc;

	if (!hmmdev_test)
		return -ENODEV;
	for (addr = vma->vm_start; addr < vma->vm_end; addr += PAGE_SIZE) {
		rc = hmmdev_mmap_page(vma, addr);
		if (rc)
			return rc;
	}
	return 0;
}

const struct file_operations hmmdev_fops = {
	.owner = THIS_MODULE,
	.open = hmmdev_open,
	.release = hmmdev_release,
	.read_iter = hmmdev_read_iter,
	.poll = hmmdev_poll,
	.mmap = hmmdev_mmap,
	.unlocked_ioctl = hmmdev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};
