/* roomcast-persister: reads its options and runs, or looks after a store as a tool. */
#include "broker/persister/process.h"
#include "broker/persister/sql/process.h"
#include "broker/persister/tool.h"

int main(int argc, char **argv)
{
    (void)argc;
    if (rc_tool_asked(argv))
        return rc_tool_run(argv);
    struct rc_persister_options options = {0};
    int code = rc_persister_options_parse(&options, argv);
    if (code == RC_OPTIONS_RUN)
        code = (int)(*options.sql ? rc_sql_run(&options) : rc_persister_run(&options));
    rc_persister_options_fini(&options);
    return code;
}
