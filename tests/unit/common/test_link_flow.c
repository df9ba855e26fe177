/* Links over real loopback sockets: everything arrives in order, a busy owner is felt, and lost peers come back. */
#include "link_node.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void batches_arrive_in_order_both_ways(void **state)
{
    (void)state;
    struct node a, b;
    open_pair(&a, &b);
    dial(&a, &b);
    UNTIL(&a, &b, a.ups && b.ups);
    a.target = b.target = 10000;
    a.filler = 700;
    b.filler = 3;
    send_numbered(&a);
    send_numbered(&b);
    UNTIL(&a, &b, a.next_in == 10000 && b.next_in == 10000);
    assert_false(a.disorder || b.disorder);
    assert_int_equal(a.downs + b.downs, 0);
    close_pair(&a, &b);
}

static void large_frames_pass(void **state)
{
    (void)state;
    struct node a, b;
    open_pair(&a, &b);
    dial(&a, &b);
    UNTIL(&a, &b, a.ups && b.ups);
    a.target = b.target = 20;
    a.filler = b.filler = RC_LINK_SIDE_MAX;
    send_numbered(&a);
    send_numbered(&b);
    UNTIL(&a, &b, a.next_in == 20 && b.next_in == 20);
    assert_false(a.disorder || b.disorder);
    struct rc_batch batch; /* two of them are above the limit: refused here, the line stays */
    rc_batch_init(&batch);
    batch.seq = 21;
    for (int i = 0; i < 2; i++) {
        struct rc_op *op = rc_op_new(RC_OP_SIDE);
        op->side = rc_buf_new(RC_LINK_SIDE_MAX);
        memset(op->side->data, 0, op->side->len);
        TAILQ_INSERT_TAIL(&batch.ops, op, link);
    }
    UNTIL(&a, &b, rc_line_ready(a.line));
    assert_false(rc_line_send(a.line, &batch));
    rc_batch_fini(&batch);
    assert_int_equal(a.downs + b.downs, 0);
    close_pair(&a, &b);
}

/* An owner who does not process is felt by the sender: what is on the way is bounded by the kernel's buffers. */
static void busy_owner_pushes_back(void **state)
{
    (void)state;
    struct node a, b;
    open_pair(&a, &b);
    dial(&a, &b);
    UNTIL(&a, &b, a.ups && b.ups);
    a.filler = 100000;
    a.target = 2000; /* 200 MB */
    send_numbered(&a);
    uint64_t before;
    do { /* until nothing more leaves for a while */
        before = a.next_out;
        for (int i = 0; i < 20; i++)
            turn(&a, NULL, 10);
    } while (a.next_out != before);
    assert_true(a.next_out < 200); /* 20 MB: socket buffers of both ends and one frame */
    assert_int_equal(b.next_in, 0);
    a.target = a.next_out + 100;
    UNTIL(&a, &b, b.next_in == a.target);
    assert_false(b.disorder);
    assert_int_equal(a.downs + b.downs, 0);
    close_pair(&a, &b);
}

static int open_fds(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static void hundreds_of_reconnects_leave_nothing(void **state)
{
    (void)state;
    struct node a, b;
    open_pair(&a, &b);
    dial(&a, &b);
    UNTIL(&a, &b, a.line && b.line);
    int fds = open_fds();
    a.target = b.target = UINT64_MAX;
    for (int i = 1; i <= 400; i++) {
        struct node *n = i % 2 ? &a : &b, *other = i % 2 ? &b : &a;
        a.next_in = a.next_out = b.next_in = b.next_out = 0; /* a new session counts anew */
        send_numbered(&a);
        send_numbered(&b);
        if (i % 3)
            UNTIL(&a, &b, a.next_in > 2 && b.next_in > 2);
        rc_line_close(n->line, RC_END_GAP); /* in the middle of the traffic */
        n->line = NULL;
        UNTIL(&a, &b, other->downs == (i + (i % 2)) / 2);
        UNTIL(&a, &b, a.line && b.line && a.ups == i + 1 && b.ups == i + 1);
    }
    UNTIL(&a, &b, open_fds() <= fds + 2); /* nng closes in the background */
    close_pair(&a, &b);
}

static void peer_that_was_not_there_is_found_later(void **state)
{
    (void)state;
    struct node a, b;
    struct rc_link_config cb = config(RC_BROKER, &right);
    open_pair(&a, &b);
    strcpy(cb.listen, rc_link_address(b.link));
    dial(&a, &b);
    rc_link_free(b.link); /* the port is free again, nobody answers */
    for (int i = 0; i < 20; i++)
        turn(&a, NULL, 5);
    open_node(&b, &cb);
    UNTIL(&a, &b, a.line && b.line);
    close_pair(&a, &b);
}

/* ---- a peer that is killed ---- */

static int be_peer(const char *address)
{
    struct node a;
    struct rc_link_config ca = config(RC_GATEWAY, &right);
    char why[RC_LINK_WHY];
    open_node(&a, &ca);
    if (!rc_link_dial(a.link, "broker-1", RC_BROKER, address, why))
        return 1;
    a.filler = 5000;
    for (;;) {
        if (a.line && a.next_out == 0)
            a.target = UINT64_MAX;
        send_numbered(&a);
        turn(&a, NULL, 50);
    }
}

static void killed_peer_is_noticed_and_comes_back(void **state)
{
    struct node b;
    struct rc_link_config cb = config(RC_BROKER, &right);
    open_node(&b, &cb);
    char *argv[] = {*state, "peer", (char *)(uintptr_t)rc_link_address(b.link), NULL};
    for (int i = 1; i <= 10; i++) {
        pid_t pid;
        b.next_in = 0;
        assert_int_equal(posix_spawn(&pid, argv[0], NULL, NULL, argv, environ), 0);
        UNTIL(NULL, &b, b.ups == i && b.next_in > 20);
        rc_time at = rc_clock_now();
        kill(pid, SIGKILL);
        UNTIL(NULL, &b, b.downs == i);
        assert_true(rc_clock_now() - at < 2000 * RC_MS);
        assert_int_equal(b.why, RC_WHY_CLOSED);
        assert_false(b.disorder);
        waitpid(pid, NULL, 0);
    }
    rc_link_free(b.link);
}

static char *self;

static int give_self(void **state)
{
    *state = self;
    return 0;
}

int main(int argc, char **argv)
{
    rc_log_init(getenv("RC_TEST_LOG") ? RC_DEBUG : RC_ERROR, false, "test");
    if (argc == 3 && !strcmp(argv[1], "peer"))
        return be_peer(argv[2]);
    self = argv[0];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_arrive_in_order_both_ways),
        cmocka_unit_test(large_frames_pass),
        cmocka_unit_test(busy_owner_pushes_back),
        cmocka_unit_test(hundreds_of_reconnects_leave_nothing),
        cmocka_unit_test(peer_that_was_not_there_is_found_later),
        cmocka_unit_test_setup(killed_peer_is_noticed_and_comes_back, give_self),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
