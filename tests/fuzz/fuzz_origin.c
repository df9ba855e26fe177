/* Any Host and Origin: never crashes, only origins of the host or the list are let in, and no answer is split. */
#include "gateway/http/origin.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned lines(const char *fields)
{
    unsigned n = 0;
    for (; *fields; fields++)
        n += *fields == '\n';
    return n;
}

/* data: a Host, a newline, an Origin. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rc_origins *origins;
    char why[512], out[RC_ORIGIN_FIELDS], *text = malloc(size + 1);
    if (!origins)
        origins = rc_origins_new("https://app.example,http://[::1]:3000", why, sizeof why);
    memcpy(text, data, size);
    text[size] = '\0';
    char *origin = strchr(text, '\n');
    if (origin) {
        *origin++ = '\0';
        struct rc_http_field field[] = {{"host", text}, {"origin", origin}};
        struct rc_http_request request = {.path = "/", .query = "", .headers = 2, .header = field};
        struct rc_origin_guard guard = {.origins = origins};
        enum rc_origin_verdict verdict = rc_origin_judge(origins, &request);
        bool listed = strcasestr(origin, "://app.example") || strstr(origin, "://[");
        if (verdict == RC_ORIGIN_ABSENT || verdict == RC_ORIGIN_OPEN || (verdict == RC_ORIGIN_LISTED && !listed))
            abort();
        if (lines(rc_origin_fields(&guard, &request, out)) != (verdict == RC_ORIGIN_LISTED ? 3 : 1))
            abort();
    }
    rc_origins_free(rc_origins_new(text, why, sizeof why));
    free(text);
    return 0;
}
