/* roomcastctl: see ctl.h. */
#include "broker/ctl/ctl.h"

int main(int argc, char **argv)
{
    return (int)rc_ctl_run(argc, argv);
}
