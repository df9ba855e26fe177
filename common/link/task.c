/* From nng's threads to the loop. */
#include "link/task.h"

#include "clock.h"

#include <poll.h>

bool rc_tasks_init(struct rc_tasks *tasks)
{
    tasks->busy = 0;
    return (tasks->mailbox = rc_mailbox_new(1)) != NULL;
}

void rc_tasks_fini(struct rc_tasks *tasks)
{
    rc_mailbox_free(tasks->mailbox, NULL);
}

void rc_tasks_run(struct rc_tasks *tasks)
{
    for (struct rc_mail *next, *mail = rc_mailbox_take_all(tasks->mailbox); mail; mail = next) {
        struct rc_task *task = (struct rc_task *)mail;
        next = mail->next; /* the task may be posted again, or freed, while it runs */
        task->busy = false;
        tasks->busy--;
        task->done(task->arg, nng_aio_result(task->aio));
    }
}

bool rc_tasks_settle(struct rc_tasks *tasks, rc_time grace)
{
    rc_time end = rc_clock_now() + grace;
    while (tasks->busy && rc_clock_now() < end) {
        poll(&(struct pollfd){.fd = rc_mailbox_fd(tasks->mailbox), .events = POLLIN}, 1, 20);
        rc_tasks_run(tasks);
    }
    return !tasks->busy;
}

/* On an nng thread. */
static void ended(void *arg)
{
    struct rc_task *task = arg;
    rc_mailbox_post(task->tasks->mailbox, &task->mail, 0, true); /* the number of tasks bounds the queue */
}

int rc_task_init(struct rc_task *task, struct rc_tasks *tasks, void (*done)(void *arg, int result), void *arg)
{
    *task = (struct rc_task){.tasks = tasks, .done = done, .arg = arg};
    return nng_aio_alloc(&task->aio, ended, task);
}

void rc_task_fini(struct rc_task *task)
{
    if (task->aio)
        nng_aio_free(task->aio);
    task->aio = NULL;
}

nng_aio *rc_task_begin(struct rc_task *task)
{
    task->busy = true;
    task->tasks->busy++;
    return task->aio;
}
