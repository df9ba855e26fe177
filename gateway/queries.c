/* History queries under way. */
#include "gateway/queries.h"

#include "cluster/map.h"
#include "cluster/mem.h"
#include "roomcast.pb-c.h"

#include <string.h>

struct asked {
    TAILQ_ENTRY(asked) link;
    uint64_t query;
    uint64_t session; /* number of the session that it was asked on */
    rc_time since;
};
TAILQ_HEAD(asked_list, asked);

struct rc_queries {
    rc_query_answer answer;
    void *host;
    struct asked_list by_age; /* oldest first */
    struct rc_map by_query;
};

struct rc_queries *rc_queries_new(rc_query_answer answer, void *host)
{
    struct rc_queries *q = rc_zalloc(sizeof *q);
    q->answer = answer;
    q->host = host;
    TAILQ_INIT(&q->by_age);
    rc_map_init(&q->by_query, 0); /* keys are our own counters */
    return q;
}

static void forget(struct rc_queries *q, struct asked *a)
{
    TAILQ_REMOVE(&q->by_age, a, link);
    rc_map_del(&q->by_query, &a->query, sizeof a->query);
    free(a);
}

void rc_queries_free(struct rc_queries *q)
{
    if (!q)
        return;
    struct asked *a;
    while ((a = TAILQ_FIRST(&q->by_age)))
        forget(q, a);
    rc_map_fini(&q->by_query);
    free(q);
}

static struct rc_buf *with_id(const struct rc_buf *side, uint64_t id)
{
    Roomcast__Side *s = roomcast__side__unpack(NULL, side->len, side->data);
    struct rc_buf *out = NULL;
    if (s && s->kind_case == ROOMCAST__SIDE__KIND_QUERY) {
        s->query->id = id;
        out = rc_buf_new(roomcast__side__get_packed_size(s));
        if (out)
            roomcast__side__pack(s, out->data);
    }
    if (s)
        roomcast__side__free_unpacked(s, NULL);
    return out;
}

size_t rc_queries_user(const struct rc_buf *side, uint8_t *user, size_t size)
{
    Roomcast__Side *s = roomcast__side__unpack(NULL, side->len, side->data);
    size_t len = s && s->kind_case == ROOMCAST__SIDE__KIND_QUERY ? s->query->user.len : 0;
    if (len > size)
        len = size;
    if (len)
        memcpy(user, s->query->user.data, len);
    if (s)
        roomcast__side__free_unpacked(s, NULL);
    return len;
}

struct rc_buf *rc_queries_ask(struct rc_queries *q, uint64_t query, const struct rc_buf *side,
                              const struct rc_session *s, rc_time now)
{
    struct rc_buf *out = s && q->by_query.count < RC_QUERIES_MAX ? with_id(side, query) : NULL;
    if (!out) {
        q->answer(q->host, query, NULL);
        return NULL;
    }
    struct asked *a = rc_zalloc(sizeof *a);
    *a = (struct asked){.query = query, .session = s->id, .since = now};
    TAILQ_INSERT_TAIL(&q->by_age, a, link);
    rc_map_put(&q->by_query, &query, sizeof query)->value = a;
    return out;
}

bool rc_queries_rows(struct rc_queries *q, const struct rc_session *s, struct rc_buf *side)
{
    Roomcast__Side *msg = roomcast__side__unpack(NULL, side->len, side->data);
    bool rows = msg && msg->kind_case == ROOMCAST__SIDE__KIND_ROWS;
    uint64_t query = rows ? msg->rows->id : 0;
    if (msg)
        roomcast__side__free_unpacked(msg, NULL);
    struct asked *a = rows ? rc_map_get(&q->by_query, &query, sizeof query) : NULL;
    if (a && a->session == s->id) {
        forget(q, a);
        q->answer(q->host, query, side);
    }
    return rows;
}

static void fail(struct rc_queries *q, struct asked *a)
{
    uint64_t query = a->query;
    forget(q, a);
    q->answer(q->host, query, NULL);
}

void rc_queries_lost(struct rc_queries *q, const struct rc_session *s)
{
    struct asked *a = TAILQ_FIRST(&q->by_age);
    while (a) {
        struct asked *next = TAILQ_NEXT(a, link);
        if (a->session == s->id)
            fail(q, a);
        a = next;
    }
}

void rc_queries_expire(struct rc_queries *q, rc_time now)
{
    struct asked *a;
    while ((a = TAILQ_FIRST(&q->by_age)) && now - a->since > RC_QUERIES_TIMEOUT)
        fail(q, a);
}
