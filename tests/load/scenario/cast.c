/* Who takes part and who writes to whom. */
#include "scenario/cast.h"

uint32_t rc_cast_clients(const struct rc_cast *cast)
{
    return cast->admins + cast->users;
}

bool rc_cast_is_admin(const struct rc_cast *cast, uint32_t client)
{
    return client < cast->admins;
}

/* Admins that write, one to a user at most. */
static uint32_t writing_admins(const struct rc_cast *cast)
{
    if (cast->kind != RC_TRAFFIC_MIXED) {
        return 0;
    }
    return cast->admins < cast->users ? cast->admins : cast->users;
}

uint32_t rc_cast_senders(const struct rc_cast *cast)
{
    return cast->kind == RC_TRAFFIC_NONE ? 0 : cast->users + writing_admins(cast);
}

uint32_t rc_cast_sender(const struct rc_cast *cast, uint32_t number)
{
    return number < cast->users ? cast->admins + number : number - cast->users;
}

uint32_t rc_cast_sender_number(const struct rc_cast *cast, uint32_t client)
{
    if (cast->kind == RC_TRAFFIC_NONE) {
        return RC_NOBODY;
    }
    if (!rc_cast_is_admin(cast, client)) {
        return client - cast->admins;
    }
    return client < writing_admins(cast) ? cast->users + client : RC_NOBODY;
}

/* Whether user number `user` writes to the next one. */
static bool writes_direct(const struct rc_cast *cast, uint32_t user)
{
    return cast->kind == RC_TRAFFIC_DIRECT || (cast->kind == RC_TRAFFIC_MIXED && user % 2 == 1);
}

uint32_t rc_cast_addressee(const struct rc_cast *cast, uint32_t sender)
{
    if (rc_cast_is_admin(cast, sender)) {
        return cast->admins + sender;
    }
    uint32_t user = sender - cast->admins;
    return writes_direct(cast, user) ? cast->admins + (user + 1) % cast->users : RC_NOBODY;
}

uint32_t rc_cast_copies(const struct rc_cast *cast, uint32_t sender)
{
    uint32_t direct = rc_cast_addressee(cast, sender) == RC_NOBODY ? 0 : 1;
    return rc_cast_is_admin(cast, sender) ? direct : cast->admins + direct;
}

uint32_t rc_cast_sources(const struct rc_cast *cast, uint32_t client)
{
    if (cast->kind == RC_TRAFFIC_NONE) {
        return 0;
    }
    if (rc_cast_is_admin(cast, client)) {
        return cast->users;
    }
    return cast->kind == RC_TRAFFIC_ROOM ? 0 : 2;
}

uint32_t rc_cast_source(const struct rc_cast *cast, uint32_t client, uint32_t number)
{
    if (rc_cast_is_admin(cast, client)) {
        return cast->admins + number;
    }
    uint32_t user = client - cast->admins;
    if (number == 1) {
        return user < writing_admins(cast) ? user : RC_NOBODY;
    }
    uint32_t before = (user + cast->users - 1) % cast->users;
    return writes_direct(cast, before) ? cast->admins + before : RC_NOBODY;
}

uint32_t rc_cast_source_number(const struct rc_cast *cast, uint32_t client, uint32_t sender)
{
    uint32_t count = rc_cast_sources(cast, client);
    if (count == 0 || sender == RC_NOBODY) {
        return RC_NOBODY;
    }
    if (rc_cast_is_admin(cast, client)) {
        bool heard = sender >= cast->admins && sender - cast->admins < count;
        return heard ? sender - cast->admins : RC_NOBODY;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (rc_cast_source(cast, client, i) == sender) {
            return i;
        }
    }
    return RC_NOBODY;
}
