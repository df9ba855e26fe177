/* libevent's small records, apart from everything else. */
#include "gateway/net/event_memory.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

union record {
    union record *next; /* while it is free */
    uint8_t bytes[RC_EVENT_RECORD];
};

static struct {
    pthread_mutex_t lock;
    union record *place; /* RC_EVENT_RECORDS of them, for the life of the process; NULL: there is none */
    union record *free;  /* those that were given back */
    size_t used;         /* taken at least once: those in front */
} records = {.lock = PTHREAD_MUTEX_INITIALIZER};

bool rc_event_memory_apart(const void *memory)
{
    uintptr_t at = (uintptr_t)memory, begin = (uintptr_t)records.place;
    return begin && at >= begin && at < begin + RC_EVENT_RECORDS * sizeof(union record);
}

static void *take_record(void)
{
    pthread_mutex_lock(&records.lock);
    union record *record = records.free;
    if (record)
        records.free = record->next;
    else if (records.place && records.used < RC_EVENT_RECORDS)
        record = &records.place[records.used++];
    pthread_mutex_unlock(&records.lock);
    return record;
}

void *rc_event_memory_take(size_t size)
{
    void *memory = size <= RC_EVENT_RECORD ? take_record() : NULL;
    return memory ? memory : malloc(size);
}

void rc_event_memory_free(void *memory)
{
    union record *record = memory;
    if (!rc_event_memory_apart(memory)) {
        free(memory);
        return;
    }
    pthread_mutex_lock(&records.lock);
    record->next = records.free;
    records.free = record;
    pthread_mutex_unlock(&records.lock);
}

void *rc_event_memory_resize(void *old, size_t size)
{
    if (!rc_event_memory_apart(old))
        return realloc(old, size);
    void *memory = malloc(size);
    if (memory) {
        memcpy(memory, old, size < RC_EVENT_RECORD ? size : RC_EVENT_RECORD);
        rc_event_memory_free(old);
    }
    return memory;
}

void rc_event_memory_init(void)
{
    void *place = mmap(NULL, RC_EVENT_RECORDS * sizeof(union record), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED)
        return; /* libevent goes on with malloc */
    records.place = place;
    event_set_mem_functions(rc_event_memory_take, rc_event_memory_resize, rc_event_memory_free);
}
