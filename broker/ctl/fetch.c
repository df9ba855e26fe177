/* Many HTTP requests at once with one common end, on libcurl's multi interface. */
#include "broker/ctl/fetch.h"

#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/ctl/plain.h"
#include "clock.h"

struct get { /* one request under way, in the list of its fetch */
    struct get *next;
    CURL *curl;
    rc_fetch_cb cb;
    void *arg;
    char *body;
    size_t len, room; /* bytes in body, bytes that it has room for */
    size_t max;       /* most bytes of it */
};

struct rc_fetch {
    CURLM *multi;
    struct curl_slist *headers; /* Authorization, or NULL */
    struct get *gets;           /* all that have not ended */
};

static struct curl_slist *bearer(const struct rc_secret *token)
{
    char *line = NULL;
    if (asprintf(&line, "Authorization: Bearer %.*s", (int)token->len, (const char *)token->bytes) < 0)
        return NULL;
    struct curl_slist *list = curl_slist_append(NULL, line);
    explicit_bzero(line, strlen(line));
    free(line);
    return list;
}

struct rc_fetch *rc_fetch_new(const struct rc_secret *token)
{
    struct rc_fetch *fetch = calloc(1, sizeof *fetch);
    if (!fetch)
        return NULL;
    bool with_token = token && token->len > 0;
    fetch->multi = curl_multi_init();
    fetch->headers = with_token ? bearer(token) : NULL;
    if (!fetch->multi || (with_token && !fetch->headers)) {
        rc_fetch_free(fetch);
        return NULL;
    }
    return fetch;
}

static size_t take_body(char *data, size_t size, size_t count, void *arg)
{
    struct get *get = arg;
    size_t more = size * count;
    if (get->len + more > get->max)
        return 0; /* ends the transfer with CURLE_WRITE_ERROR */
    if (get->len + more > get->room) {
        size_t room = 2 * (get->len + more);
        char *body = realloc(get->body, room);
        if (!body)
            return 0;
        get->body = body;
        get->room = room;
    }
    memcpy(get->body + get->len, data, more);
    get->len += more;
    return more;
}

/* Only HTTP, straight to the address: no proxy of the environment, no redirect. */
static bool set_up(const struct rc_fetch *fetch, struct get *get, const char *url)
{
    CURL *c = get->curl;
    return curl_easy_setopt(c, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HTTPHEADER, fetch->headers) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_WRITEDATA, get) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PRIVATE, get) == CURLE_OK;
}

static void get_free(struct get *get)
{
    curl_easy_cleanup(get->curl);
    free(get->body);
    free(get);
}

static bool set_method(const struct get *get, bool post)
{
    return !post || (curl_easy_setopt(get->curl, CURLOPT_POST, 1L) == CURLE_OK &&
                     curl_easy_setopt(get->curl, CURLOPT_POSTFIELDS, "") == CURLE_OK);
}

static bool add(struct rc_fetch *fetch, const struct rc_fetch_order *order, rc_fetch_cb cb, void *arg)
{
    struct get *get = calloc(1, sizeof *get);
    char *url = NULL;
    if (!get)
        return false;
    get->curl = curl_easy_init();
    get->cb = cb;
    get->max = order->body_max ? order->body_max : RC_FETCH_BODY_MAX;
    get->arg = arg;
    bool added = get->curl && asprintf(&url, "http://%s%s", order->address, order->path) > 0 &&
                 set_up(fetch, get, url) && set_method(get, order->post) &&
                 curl_multi_add_handle(fetch->multi, get->curl) == CURLM_OK;
    free(url);
    if (!added) {
        get_free(get);
        return false;
    }
    get->next = fetch->gets;
    fetch->gets = get;
    return true;
}

bool rc_fetch_add(struct rc_fetch *fetch, const char *address, const char *path, rc_fetch_cb cb, void *arg)
{
    return add(fetch, &(struct rc_fetch_order){.address = address, .path = path}, cb, arg);
}

/* Takes the request out before its callback, which may add others. */
static void finish(struct rc_fetch *fetch, struct get *get, bool answered, const char *error)
{
    struct get **at = &fetch->gets;
    while (*at && *at != get)
        at = &(*at)->next;
    if (!*at)
        return; /* no request of ours */
    *at = get->next;
    curl_multi_remove_handle(fetch->multi, get->curl);
    get->cb(get->arg, answered ? get->body ? get->body : "" : NULL, answered ? get->len : 0, error);
    get_free(get);
}

static void finish_answered(struct rc_fetch *fetch, const CURLMsg *message)
{
    CURLcode result = message->data.result;
    struct get *get = NULL;
    long status = 0;
    char text[64];
    const char *error = NULL;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&get);
    curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
    if (result == CURLE_COULDNT_CONNECT) {
        error = "connection refused or host unreachable";
    } else if (result == CURLE_WRITE_ERROR) {
        error = "answer too long";
    } else if (result != CURLE_OK) {
        error = curl_easy_strerror(result);
    } else if (status == 401 || status == 403) {
        error = "refused the operator token: give the right one with --token-file";
    } else if (status != 200 && status != 202) {
        snprintf(text, sizeof text, "answered HTTP status %ld", status);
        error = text;
    }
    finish(fetch, get, result == CURLE_OK && status != 401 && status != 403, error);
}

void rc_fetch_run(struct rc_fetch *fetch, long timeout_ms)
{
    rc_time end = rc_clock_now() + (rc_time)timeout_ms * 1000;
    char late[64];
    while (fetch->gets) {
        int running, left;
        const CURLMsg *message;
        rc_time now = rc_clock_now();
        if (now >= end || curl_multi_perform(fetch->multi, &running) != CURLM_OK)
            break;
        while ((message = curl_multi_info_read(fetch->multi, &left)) != NULL)
            if (message->msg == CURLMSG_DONE)
                finish_answered(fetch, message);
        if (running > 0)
            curl_multi_poll(fetch->multi, NULL, 0, (int)((end - now) / 1000 + 1), NULL);
    }
    snprintf(late, sizeof late, "no answer within %.1f s", (double)timeout_ms / 1000);
    while (fetch->gets)
        finish(fetch, fetch->gets, false, late);
}

void rc_fetch_free(struct rc_fetch *fetch)
{
    if (!fetch)
        return;
    while (fetch->gets) {
        struct get *get = fetch->gets;
        fetch->gets = get->next;
        curl_multi_remove_handle(fetch->multi, get->curl);
        get_free(get);
    }
    curl_slist_free_all(fetch->headers);
    curl_multi_cleanup(fetch->multi);
    free(fetch);
}

bool rc_fetch_one(const struct rc_fetch_order *order, rc_fetch_cb cb, void *arg)
{
    struct rc_fetch *fetch = rc_fetch_new(order->token);
    bool added = fetch && add(fetch, order, cb, arg);
    if (added)
        rc_fetch_run(fetch, order->timeout_ms);
    else
        rc_complain("out of memory");
    rc_fetch_free(fetch);
    return added;
}
