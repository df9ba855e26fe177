/* What a listening socket hands on. */
#include "gateway/net/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void on_accepted(void *self, int fd, const struct sockaddr *peer)
{
    (void)peer;
    *(int *)self = fd;
}

/* A small frame is not held back until the one before it is acknowledged. */
static void accepted_sockets_do_not_delay(void **state)
{
    struct event_base *base = event_base_new();
    struct rc_wheel wheel;
    rc_gateway_values values = {0};
    char error[128] = "";
    int accepted = -1, code = 0, on = 0;
    (void)state;
    rc_wheel_init(&wheel, 0);
    struct rc_listener *listener = rc_listener_new(&(struct rc_listener_config){.base = base,
                                                                                .wheel = &wheel,
                                                                                .values = values,
                                                                                .address = "127.0.0.1:0",
                                                                                .first = true,
                                                                                .accepted = on_accepted,
                                                                                .self = &accepted},
                                                   &code, error, sizeof error);
    assert_non_null(listener);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    to.sin_port = htons(rc_listener_port(listener));
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&to, sizeof to), 0);
    while (accepted < 0)
        event_base_loop(base, EVLOOP_ONCE);
    socklen_t len = sizeof on;
    assert_int_equal(getsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
    assert_true(on);
    assert_true(fcntl(accepted, F_GETFL) & O_NONBLOCK);
    close(accepted);
    close(client);
    rc_listener_free(listener);
    event_base_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(accepted_sockets_do_not_delay)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
