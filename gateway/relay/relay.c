/* Reasons of relays on the wire. */
#include "gateway/relay/relay.h"

#include "gateway/metrics.h"

#include <string.h>

const char *rc_relay_reason(enum rc_close why)
{
    return rc_gateway_metric_info()[GM_CLOSED + why].name;
}

enum rc_close rc_relay_reason_read(const void *name, size_t len)
{
    for (unsigned why = 0; why < RC_CLOSE_COUNT; why++) {
        const char *known = rc_relay_reason((enum rc_close)why);
        if (strlen(known) == len && memcmp(known, name, len) == 0)
            return (enum rc_close)why;
    }
    return RC_CLOSE_RELAY;
}
