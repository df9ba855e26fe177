/* Closing a socket in bounded time. */
#include "link/topic_socket.h"

#include "log.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

static void *closer(void *arg)
{
    nng_close((nng_socket){.id = (uint32_t)(uintptr_t)arg});
    return NULL;
}

bool rc_topic_close(nng_socket socket)
{
    pthread_t thread;
    struct timespec end;
    if (pthread_create(&thread, NULL, closer, (void *)(uintptr_t)socket.id))
        return false;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec++;
    if (!pthread_timedjoin_np(thread, NULL, &end))
        return true;
    pthread_detach(thread);
    rc_log(RC_WARN, "topic-leaked", "reason=\"nng did not close its socket in time\"");
    return false;
}

void rc_topic_why(char why[RC_LINK_WHY], const char *what, const char *address, int error)
{
    snprintf(why, RC_LINK_WHY, "%s %s: %s", what, address, nng_strerror(error));
}
