/* roomcast-gateway: reads its options and runs. */
#include "gateway/process.h"

int main(int argc, char **argv)
{
    (void)argc;
    struct rc_gateway_options options = {0};
    int code = rc_gateway_options_parse(&options, argv);
    if (code == RC_OPTIONS_RUN)
        code = (int)rc_gateway_run(&options);
    rc_gateway_options_fini(&options);
    return code;
}
