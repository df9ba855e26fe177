/* roomcast-broker: reads its options and runs. */
#include "broker/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A new process image, so that every port is free again. Returns only when the kernel refuses. */
static void start_again(char **argv, uint64_t inc)
{
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)inc);
    setenv("ROOMCAST_NODE_INCARNATION", text, 1);
    execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
    (void)argc;
    struct rc_broker_options options = {0};
    uint64_t next_inc = 0;
    int code = rc_broker_options_parse(&options, argv);
    if (code == RC_OPTIONS_RUN)
        code = (int)rc_broker_run(&options, &next_inc);
    rc_broker_options_fini(&options);
    if (code == RC_EXIT_OK && next_inc) {
        start_again(argv, next_inc);
        code = RC_EXIT_INTERNAL;
    }
    return code;
}
