// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /dev/hold: whoever writes the number of a process there has the lock of its address space held for
 * writing until he closes it. Programs cannot do that for as long as they want, and what waits for
 * such a lock has to be tested.
 */
#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/miscdevice.h>
#include <linux/mmap_lock.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

struct hold {
	struct mm_struct *mm;	/* NULL: none yet */
	struct completion held, over, done;
};

/* Another thread than the caller's, which may not come back with a lock. */
static int hold_thread(void *arg)
{
	struct hold *h = arg;

	mmap_write_lock(h->mm);
	complete(&h->held);
	wait_for_completion(&h->over);
	mmap_write_unlock(h->mm);
	complete(&h->done);
	return 0;
}

static struct mm_struct *hold_mm(int number)
{
	struct pid *pid = find_get_pid(number);
	struct task_struct *task = get_pid_task(pid, PIDTYPE_PID);
	struct mm_struct *mm = task ? get_task_mm(task) : NULL;

	if (task)
		put_task_struct(task);
	put_pid(pid);
	return mm;
}

static ssize_t hold_write(struct file *file, const char __user *text, size_t len, loff_t *at)
{
	struct hold *h = file->private_data;
	int number, rc = kstrtoint_from_user(text, len, 10, &number);

	if (rc || h->mm)
		return rc ? rc : -EBUSY;
	h->mm = hold_mm(number);
	if (!h->mm)
		return -ESRCH;
	if (IS_ERR(kthread_run(hold_thread, h, "hold"))) {
		mmput(h->mm);
		h->mm = NULL;
		return -ENOMEM;
	}
	wait_for_completion(&h->held);
	return len;
}

static int hold_open(struct inode *inode, struct file *file)
{
	struct hold *h = kzalloc(sizeof(*h), GFP_KERNEL);

	if (!h)
		return -ENOMEM;
	init_completion(&h->held);
	init_completion(&h->over);
	init_completion(&h->done);
	file->private_data = h;
	return 0;
}

static int hold_release(struct inode *inode, struct file *file)
{
	struct hold *h = file->private_data;

	if (h->mm) {
		complete(&h->over);
		wait_for_completion(&h->done);
		mmput(h->mm);
	}
	kfree(h);
	return 0;
}

static const struct file_operations hold_fops = {
	.owner = THIS_MODULE,
	.open = hold_open,
	.write = hold_write,
	.release = hold_release,
};

static struct miscdevice hold_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "hold",
	.mode = 0600,
	.fops = &hold_fops,
};

module_misc_device(hold_misc);
MODULE_DESCRIPTION("Holds the lock of an address space, for tests");
MODULE_LICENSE("GPL");
