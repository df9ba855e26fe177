/* roomcast-broker: reads its options and runs. */
#include "broker/process.h"

int main(int argc, char **argv)
{
    (void)argc;
    struct rc_broker_options options = {0};
    int code = rc_broker_options_parse(&options, argv);
    if (code == RC_OPTIONS_RUN)
        code = (int)rc_broker_run(&options);
    rc_broker_options_fini(&options);
    return code;
}
