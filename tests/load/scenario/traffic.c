/* The senders of one worker. */
#include "scenario/traffic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/message.h"

#define SECOND    1000000000u
#define NEVER     ((uint64_t)100 * 1000000) /* ns: nothing is due before somebody says so */
#define AT_ONCE   4096                      /* paced messages that are caught up with in one pass */
#define ID_DIGITS 20

static bool sender_init(struct rc_traffic *traffic, struct rc_sender *sender, struct rc_client *client)
{
    char name[RC_NAME_LEN + 1];
    const struct rc_cast *cast = &traffic->plan->cast;
    uint32_t window = (uint32_t)traffic->plan->options.window;
    rc_message_name(name, traffic->shared->run, rc_cast_addressee(cast, client->index));
    sender->client = client;
    sender->number = rc_cast_sender_number(cast, client->index);
    sender->window = window / traffic->total + (sender->number < window % traffic->total);
    sender->copies = rc_cast_copies(cast, client->index);
    client->sender = sender;
    return asprintf(&sender->head, "[\"mensaje_privado\",{\"para\":\"%s\",\"mensaje\":\"", name) > 0;
}

static int by_number(const void *a, const void *b)
{
    const struct rc_sender *one = a, *two = b;
    return one->number < two->number ? -1 : one->number > two->number;
}

bool rc_traffic_init(struct rc_traffic *traffic, const struct rc_plan *plan, struct rc_shared *shared,
                     struct rc_share *share, struct rc_client_host *host, struct rc_client *clients, uint32_t count)
{
    *traffic = (struct rc_traffic){
        .plan = plan, .shared = shared, .share = share, .host = host, .total = rc_cast_senders(&plan->cast)};
    for (uint32_t i = 0; i < count; i++) {
        traffic->count += rc_cast_sender_number(&plan->cast, clients[i].index) != RC_NOBODY;
    }
    traffic->senders = calloc(traffic->count + 1, sizeof *traffic->senders);
    traffic->packet = malloc((size_t)plan->options.size + 256);
    bool good = traffic->senders && traffic->packet;
    for (uint32_t i = 0, n = 0; good && i < count; i++) {
        if (rc_cast_sender_number(&plan->cast, clients[i].index) != RC_NOBODY) {
            good = sender_init(traffic, &traffic->senders[n++], &clients[i]);
        }
    }
    if (good) {
        qsort(traffic->senders, traffic->count, sizeof *traffic->senders, by_number);
    }
    for (uint32_t i = 0; good && i < traffic->count; i++) {
        traffic->senders[i].client->sender = &traffic->senders[i];
        rc_traffic_free_place(traffic, traffic->senders[i].number);
    }
    return good;
}

void rc_traffic_fini(struct rc_traffic *traffic)
{
    for (uint32_t i = 0; traffic->senders && i < traffic->count; i++) {
        free(traffic->senders[i].head);
    }
    free(traffic->senders);
    free(traffic->packet);
}

/* Writes the next message of a sender, with this time in it. False: it cannot write now. */
static bool write_message(struct rc_traffic *traffic, struct rc_sender *sender, uint64_t time)
{
    if (sender->client->state != RC_CLIENT_LIVE) {
        return false;
    }
    size_t size = (size_t)traffic->plan->options.size;
    struct rc_message message = {traffic->shared->run, sender->client->index, sender->seq + 1, time};
    int len = sprintf(traffic->packet, "42%u%s", message.seq, sender->head);
    rc_message_write(traffic->packet + len, size, &message);
    memcpy(traffic->packet + len + size, "\"}]", 3);
    /* Before it is written: who connects now must not expect it, since it may be there first. */
    atomic_store_explicit(&traffic->shared->sent[message.sender], message.seq, memory_order_release);
    if (!rc_client_write(traffic->host, sender->client, RC_FRAME_TEXT, traffic->packet, (size_t)len + size + 3)) {
        atomic_store_explicit(&traffic->shared->sent[message.sender], sender->seq, memory_order_release);
        return false;
    }
    sender->seq = message.seq;
    sender->time[message.seq % RC_SENDER_TIMES] = time;
    rc_count(&traffic->share->counters.sent, 1);
    return true;
}

/* When the sender whose turn it is has to write. */
static uint64_t turn_due(const struct rc_traffic *traffic)
{
    uint64_t message = traffic->round * traffic->total + traffic->senders[traffic->turn].number;
    uint64_t rate = (uint64_t)traffic->plan->options.rate;
    return atomic_load(&traffic->shared->traffic_from) + message / rate * SECOND + message % rate * SECOND / rate;
}

static uint64_t run_paced(struct rc_traffic *traffic)
{
    for (int i = 0; i < AT_ONCE; i++) {
        uint64_t due = turn_due(traffic), now = traffic->host->now;
        if (due > now) {
            return due - now;
        }
        if (!write_message(traffic, &traffic->senders[traffic->turn], due)) {
            rc_count(&traffic->share->counters.unsent, 1);
        } else if (due >= atomic_load(&traffic->shared->measure_from)) {
            rc_histogram_add(&traffic->share->lateness, now - due);
        }
        if (++traffic->turn == traffic->count) {
            traffic->turn = 0;
            traffic->round++;
        }
    }
    return 0;
}

static _Atomic uint64_t *place_of(const struct rc_traffic *traffic, const struct rc_sender *sender, uint32_t seq)
{
    uint32_t places = traffic->shared->window_places;
    return &traffic->shared->window[(size_t)sender->number * places + seq % places];
}

/* Fills the free places of a sender. */
static void fill_window(struct rc_traffic *traffic, struct rc_sender *sender)
{
    while (sender->done < sender->seq && (uint32_t)atomic_load(place_of(traffic, sender, sender->done + 1)) == 0) {
        sender->done++;
    }
    while (sender->seq - sender->done < sender->window) {
        uint32_t seq = sender->seq + 1;
        atomic_store(place_of(traffic, sender, seq), (uint64_t)seq << 32 | sender->copies);
        if (!write_message(traffic, sender, traffic->host->now)) {
            return; /* rc_traffic_look tries again */
        }
    }
}

uint64_t rc_traffic_run(struct rc_traffic *traffic)
{
    if (traffic->count == 0) {
        return NEVER;
    }
    if (traffic->plan->options.rate > 0) {
        return run_paced(traffic);
    }
    while (traffic->ready) {
        struct rc_sender *sender = traffic->ready;
        traffic->ready = sender->next_ready;
        sender->ready = false;
        fill_window(traffic, sender);
    }
    return NEVER;
}

static void make_ready(struct rc_traffic *traffic, struct rc_sender *sender)
{
    if (!sender->ready) {
        sender->ready = true;
        sender->next_ready = traffic->ready;
        traffic->ready = sender;
    }
}

void rc_traffic_free_place(struct rc_traffic *traffic, uint32_t number)
{
    const struct rc_sender key = {.number = number};
    struct rc_sender *sender = bsearch(&key, traffic->senders, traffic->count, sizeof key, by_number);
    if (sender) {
        make_ready(traffic, sender);
    }
}

/* Gives up the place of the oldest message when no copy of it came for so long. */
static void give_up(struct rc_traffic *traffic, struct rc_sender *sender, uint64_t patience)
{
    uint32_t oldest = sender->done + 1;
    uint64_t place = atomic_load(place_of(traffic, sender, oldest)), now = traffic->host->now;
    if (place != sender->watched) {
        sender->watched = place;
        sender->watched_since = now;
    } else if (sender->done < sender->seq && (uint32_t)place != 0 && sender->watched_since + patience < now) {
        atomic_store(place_of(traffic, sender, oldest), (uint64_t)oldest << 32);
        rc_count(&traffic->share->counters.stalled, 1);
    }
}

void rc_traffic_look(struct rc_traffic *traffic)
{
    uint64_t patience = (uint64_t)traffic->plan->options.patience * 1000000u;
    for (uint32_t i = 0; traffic->shared->window_places && i < traffic->count; i++) {
        give_up(traffic, &traffic->senders[i], patience);
        make_ready(traffic, &traffic->senders[i]);
    }
}

/* The message is not owed to anybody. */
static void take_refusal(struct rc_traffic *traffic, const struct rc_sender *sender, uint32_t seq, const char *json,
                         size_t len)
{
    char why[RC_REASON_MAX];
    snprintf(why, sizeof why, "ack: %.*s", (int)(len < 80 ? len : 80), json);
    rc_count(&traffic->share->counters.refused, 1);
    rc_shared_reason(traffic->share, why);
    rc_shared_excuse(traffic->shared, sender->client->index, seq, seq);
    if (traffic->shared->window_places) {
        atomic_store(place_of(traffic, sender, seq), (uint64_t)seq << 32);
    }
}

void rc_traffic_ack(struct rc_traffic *traffic, struct rc_sender *sender, uint64_t id, const char *json, size_t len)
{
    static const char ok[] = "[{\"ok\":true";
    if (!sender || id < 1 || id > sender->seq) {
        rc_count(&traffic->share->counters.garbled, 1);
        return;
    }
    sender->settled++;
    if (len < sizeof ok || memcmp(json, ok, sizeof ok - 1) != 0) {
        take_refusal(traffic, sender, (uint32_t)id, json, len);
        make_ready(traffic, sender);
        return;
    }
    rc_count(&traffic->share->counters.acked, 1);
    uint64_t time = sender->time[id % RC_SENDER_TIMES];
    if (sender->seq - id < RC_SENDER_TIMES && time >= atomic_load(&traffic->shared->measure_from)) {
        rc_histogram_add(&traffic->share->ack, traffic->host->now - time);
    }
}

void rc_traffic_lost(struct rc_traffic *traffic, struct rc_sender *sender)
{
    if (sender->settled < sender->seq) {
        rc_shared_excuse(traffic->shared, sender->client->index, sender->settled + 1, sender->seq);
        sender->settled = sender->seq;
    }
}

bool rc_sender_idle(const struct rc_sender *sender)
{
    return sender->settled >= sender->seq;
}
