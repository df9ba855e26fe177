/*
 * Placements, computed once. rc_placement_new is a pure function of its members and takes more time than all the rest of a
 * run; here it answers from what an earlier node or world has computed. The linker puts these functions in front of the
 * core's (see CMakeLists.txt).
 */
#include "cluster/placement.h"

#include "kernel.h"

#include <stdlib.h>
#include <string.h>

struct rc_placement *__real_rc_placement_new(const struct rc_member *member, uint32_t n);
void __real_rc_placement_free(struct rc_placement *p);
struct rc_placement *__wrap_rc_placement_new(const struct rc_member *member, uint32_t n);
void __wrap_rc_placement_free(struct rc_placement *p);

#define KEPT 64 /* of some 50 KB each */

static struct kept {
    struct rc_placement *placement; /* NULL: free */
    struct rc_member member[9];
    uint32_t n;
    unsigned users; /* cores that have it */
} kept[KEPT];
static unsigned oldest;

static bool is_of(const struct kept *k, const struct rc_member *member, uint32_t n)
{
    if (!k->placement || k->n != n)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (k->member[i].weight != member[i].weight || strcmp(k->member[i].id, member[i].id) != 0)
            return false;
    return true;
}

/* One that nobody uses, emptied; NULL if all are in use. */
static struct kept *take_place(void)
{
    for (unsigned tries = 0; tries < KEPT; tries++) {
        struct kept *k = &kept[oldest++ % KEPT];
        if (k->users)
            continue;
        __real_rc_placement_free(k->placement);
        k->placement = NULL;
        return k;
    }
    return NULL;
}

struct rc_placement *__wrap_rc_placement_new(const struct rc_member *member, uint32_t n)
{
    for (unsigned i = 0; i < KEPT; i++)
        if (is_of(&kept[i], member, n)) {
            kept[i].users++;
            return kept[i].placement;
        }
    struct rc_placement *p = __real_rc_placement_new(member, n);
    struct kept *k = p && n <= sizeof(k->member) / sizeof(k->member[0]) ? take_place() : NULL;
    if (!k)
        return p;
    *k = (struct kept){.placement = p, .n = n, .users = 1};
    memcpy(k->member, member, n * sizeof(*member));
    return p;
}

void __wrap_rc_placement_free(struct rc_placement *p)
{
    for (unsigned i = 0; i < KEPT; i++)
        if (p && kept[i].placement == p) {
            kept[i].users--;
            return;
        }
    __real_rc_placement_free(p);
}
