/* The options of roomcast-gateway, and what they mean. */
#ifndef RC_GATEWAY_OPTIONS_H
#define RC_GATEWAY_OPTIONS_H

#include "common_options.h"
#include "gateway/app/jwt.h"
#include "gateway/http/origin.h"
#include "gateway/partition.h"

struct rc_gateway_options {
    struct rc_common common;
    char **argv; /* main's, to read the options again */
    char *listen;
    int64_t workers;
    int64_t k;
    char *jwt_algorithm, *jwt_secret_file, *jwt_public_key_file;
    int64_t jwt_leeway;
    char *eio_path;
    int64_t ping_interval, ping_timeout, connect_timeout;
    int64_t max_payload;
    int64_t queue_client, queue_unconfirmed, queue_socket, queue_credit, queue_receiver, queue_handshakes;
    int64_t drain_pace;                        /* connections a second */
    int64_t drain_timeout, drain_term_timeout; /* ms */
    bool demo;
    char *client_dir;
    char *cors_origins;
    char *sio_namespaces;
    char *rooms_partitions;

    /* made by the check */
    struct rc_jwt *jwt;
    struct rc_origins *origins;
    const char *const *namespaces; /* NULL-terminated */
    struct rc_partitions partitions;
};

/* RC_OPTIONS_RUN, or the code to exit with. Call rc_gateway_options_fini in either case. o is zeroed. */
int rc_gateway_options_parse(struct rc_gateway_options *o, char **argv);
/* Reads again what SIGHUP may change. The loop's thread. */
bool rc_gateway_options_reload(struct rc_gateway_options *o, FILE *report);
void rc_gateway_options_fini(struct rc_gateway_options *o);

#endif
