/* The publishing end of the message topic. */
#include "link/seal.h"
#include "link/topic_socket.h"
#include "link/wire.h"
#include "log.h"

#include <nng/protocol/pubsub0/pub.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rc_topic_pub {
    nng_socket socket;
    char broker[RC_ID_MAX + 1];
    uint64_t inc;
    uint64_t number; /* of the last message sent */
    uint8_t key[RC_SEAL_KEY];
    char address[RC_ADDR_MAX + 1];
    uint8_t *plain; /* packed TopicRecords of the next message */
    size_t len, cap;
};

static int open_socket(struct rc_topic_pub *pub, const char *listen, int *port)
{
    nng_listener listener;
    char url[RC_ADDR_MAX + 8];
    int rv;
    snprintf(url, sizeof url, "tcp://%s", listen);
    if ((rv = nng_pub0_open(&pub->socket)))
        return rv;
    if (!(rv = nng_socket_set_int(pub->socket, NNG_OPT_SENDBUF, RC_TOPIC_BUFFER)) &&
        !(rv = nng_socket_set_size(pub->socket, NNG_OPT_RECVMAXSZ, 64)) && /* subscribers say nothing */
        !(rv = nng_listener_create(&listener, pub->socket, url)) &&
        !(rv = nng_listener_set_bool(listener, NNG_OPT_TCP_NODELAY, true)) &&
        !(rv = nng_listener_set_bool(listener, NNG_OPT_TCP_KEEPALIVE, true)) && !(rv = nng_listener_start(listener, 0)))
        rv = nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, port);
    if (rv)
        rc_topic_close(pub->socket);
    return rv;
}

struct rc_topic_pub *rc_topic_pub_new(const char *listen, const struct rc_secret *secret, const char *broker,
                                      uint64_t inc, char why[RC_LINK_WHY])
{
    struct rc_addr addr;
    const char *bad = rc_addr_parse(listen, &addr);
    if (bad) {
        snprintf(why, RC_LINK_WHY, "topic.listen: cannot publish on \"%.*s\": the address %s", RC_ADDR_MAX, listen,
                 bad);
        return NULL;
    }
    struct rc_topic_pub *pub = calloc(1, sizeof *pub);
    int port = 0, rv = pub ? open_socket(pub, listen, &port) : NNG_ENOMEM;
    if (rv) {
        rc_topic_why(why, "topic.listen: cannot publish on", listen, rv);
        free(pub);
        return NULL;
    }
    snprintf(pub->broker, sizeof pub->broker, "%s", broker);
    snprintf(pub->address, sizeof pub->address, addr.v6 ? "[%.100s]:%d" : "%.100s:%d", addr.host, port);
    pub->inc = inc;
    rc_seal_key(secret, broker, inc, pub->key);
    return pub;
}

void rc_topic_pub_free(struct rc_topic_pub *pub)
{
    if (!pub)
        return;
    rc_topic_close(pub->socket);
    free(pub->plain);
    free(pub);
}

const char *rc_topic_pub_address(const struct rc_topic_pub *pub)
{
    return pub->address;
}

static bool reserve(struct rc_topic_pub *pub, size_t more)
{
    if (pub->cap - pub->len >= more)
        return true;
    size_t cap = pub->len + more > 2 * pub->cap ? pub->len + more : 2 * pub->cap;
    uint8_t *plain = realloc(pub->plain, cap);
    if (!plain)
        return false;
    pub->plain = plain;
    pub->cap = cap;
    return true;
}

void rc_topic_pub_record(struct rc_topic_pub *pub, const struct rc_op *op)
{
    /* A TopicRecords of one; packed messages of repeated fields written one after the other are one message. */
    Roomcast__Record record;
    Roomcast__Record *list[] = {&record};
    Roomcast__TopicRecords one = ROOMCAST__TOPIC_RECORDS__INIT;
    rc_wire_record_frame(op, &record);
    one.n_record = 1;
    one.record = list;
    size_t len = roomcast__topic_records__get_packed_size(&one);
    if (pub->len + len > RC_TOPIC_MESSAGE)
        rc_topic_pub_flush(pub);
    if (!reserve(pub, len)) {
        rc_log(RC_WARN, "topic-dropped", "bytes=%zu reason=\"out of memory\"", len); /* persisters ask again */
        return;
    }
    pub->len += roomcast__topic_records__pack(&one, pub->plain + pub->len);
}

static nng_msg *make_message(struct rc_topic_pub *pub)
{
    Roomcast__Topic topic = ROOMCAST__TOPIC__INIT;
    nng_msg *msg = NULL;
    uint8_t *sealed = malloc(pub->len + RC_SEAL_TAG);
    if (!sealed || !rc_seal(pub->key, ++pub->number, pub->plain, pub->len, sealed))
        goto out;
    topic.broker = (ProtobufCBinaryData){strlen(pub->broker), (uint8_t *)pub->broker};
    topic.inc = pub->inc;
    topic.number = pub->number;
    topic.sealed = (ProtobufCBinaryData){pub->len + RC_SEAL_TAG, sealed};
    if (!nng_msg_alloc(&msg, roomcast__topic__get_packed_size(&topic)))
        roomcast__topic__pack(&topic, nng_msg_body(msg));
out:
    free(sealed);
    return msg;
}

void rc_topic_pub_flush(struct rc_topic_pub *pub)
{
    if (!pub->len)
        return;
    nng_msg *msg = make_message(pub);
    int rv = msg ? nng_sendmsg(pub->socket, msg, 0) : NNG_ENOMEM;
    if (rv) {
        nng_msg_free(msg);
        rc_log(RC_WARN, "topic-dropped", "bytes=%zu reason=\"%s\"", pub->len, nng_strerror(rv));
    }
    pub->len = 0;
    if (pub->cap > 2 * RC_TOPIC_MESSAGE) { /* one large record: its room is not kept */
        free(pub->plain);
        pub->plain = NULL;
        pub->cap = 0;
    }
}
