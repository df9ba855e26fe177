/* Costs of a broker and of gateways as rooms grow. */
#include "mesh.h"

int rooms_run(size_t rooms, size_t emits)
{
    (void)rooms, (void)emits;
    return 0;
}
