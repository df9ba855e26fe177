/* Any frame of a peer, before and after the handshake: never crashes, and what is accepted packs to what is accepted again. */
#include "link/handshake.h"
#include "link/link.h"
#include "link/wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The batch, packed once more, must be read as the same bytes. */
static void round_trip(struct rc_arena *arena, const struct rc_batch *batch)
{
    struct rc_batch again;
    const Roomcast__Frame *f = rc_wire_frame(arena, batch);
    if (!f) {
        return; /* the arena is full of the first one */
    }
    size_t len = roomcast__frame__get_packed_size(f);
    uint8_t *bytes = malloc(len);
    roomcast__frame__pack(f, bytes);
    rc_arena_reset(arena);
    const Roomcast__Frame *g = rc_wire_open(arena, bytes, len);
    rc_batch_init(&again);
    if (!g || rc_wire_batch(g->batch, &again) || again.bytes != batch->bytes) {
        abort();
    }
    rc_batch_fini(&again);
    free(bytes);
}

static void as_batch(const uint8_t *data, size_t size)
{
    struct rc_arena arena;
    struct rc_batch batch;
    rc_arena_init(&arena, RC_WIRE_ARENA);
    rc_batch_init(&batch);
    const Roomcast__Frame *f = rc_wire_open(&arena, data, size);
    if (f && f->kind_case == ROOMCAST__FRAME__KIND_BATCH && !rc_wire_batch(f->batch, &batch)) {
        round_trip(&arena, &batch);
    }
    rc_batch_fini(&batch);
    rc_arena_fini(&arena);
}

static void as_handshake(const uint8_t *data, size_t size)
{
    static unsigned char key[] = "a secret that the fuzzer cannot guess";
    static const struct rc_secret secret = {key, sizeof key};
    static const struct rc_peer self = {.role = RC_BROKER, .id = "broker-1", .inc = 1};
    struct rc_handshake h;
    rc_handshake_accept(&h, &self, &secret);
    if (rc_handshake_input(&h, data, size) != RC_HS_FAIL) {
        abort();
    }
    rc_handshake_dial(&h, &self, &secret);
    if (rc_handshake_input(&h, data, size) != RC_HS_FAIL) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    as_batch(data, size);
    if (size <= RC_HS_FRAME_MAX) {
        as_handshake(data, size);
    }
    return 0;
}
