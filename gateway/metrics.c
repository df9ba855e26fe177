/* The gateway's metric table and the words for each end of a connection. */
#include "gateway/metrics.h"

static const struct rc_metric_info info[GM_COUNT] = {RC_CLOSE_LIST(RC_METRIC_INFO)
                                                         RC_GATEWAY_METRIC_LIST(RC_METRIC_INFO)};

const struct rc_metric_info *rc_gateway_metric_info(void)
{
    return info;
}

const char *rc_close_text(enum rc_close why)
{
    return (unsigned)why < RC_CLOSE_COUNT ? info[why].help : "Unknown";
}
