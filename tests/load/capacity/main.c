/*
 * roomcast-capacity: what rooms, gateways and brokers cost, from the real cores in one process. docs/capacity.md counts with it.
 *
 *   roomcast-capacity rooms ROOMS [EMITS]
 *   roomcast-capacity mesh GATEWAYS BROKERS CLIENTS [free]
 */
#include "mesh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    unsigned long a = argc > 2 ? strtoul(argv[2], NULL, 10) : 0, b = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
    unsigned long c = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
    if (argc >= 3 && strcmp(argv[1], "rooms") == 0 && a && a <= 20000000)
        return rooms_run(a, b ? b : 100000);
    if (argc >= 5 && strcmp(argv[1], "mesh") == 0 && a && a <= 4096 && b && b <= RC_BROKERS_MAX && c && c <= 10000000)
        return phases_run((uint32_t)a, (uint32_t)b, (uint32_t)c, argc > 5);
    fputs("usage: roomcast-capacity rooms ROOMS [EMITS]\n"
          "       roomcast-capacity mesh GATEWAYS BROKERS CLIENTS [free]\n"
          "CLIENTS are those of one gateway; free: work takes no virtual time, for counts that do not depend on this "
          "machine\n",
          stderr);
    return 64;
}
