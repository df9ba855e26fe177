/* The text of a message: written and read byte by byte, since this is done for every delivery. */
#include "oracle/message.h"

#include <pthread.h>
#include <string.h>

#define LETTERS 26

static char filling[RC_MESSAGE_MAX + LETTERS]; /* the alphabet over and over; a message's begins at its seq modulo 26 */
static signed char digit[256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
    memset(digit, -1, sizeof digit);
    for (int i = 0; i < 16; i++) {
        digit[(unsigned char)"0123456789abcdef"[i]] = (signed char)i;
    }
    for (size_t i = 0; i < sizeof filling; i++) {
        filling[i] = (char)('a' + i % LETTERS);
    }
}

static char *put_hex(char *out, uint64_t value, unsigned digits)
{
    for (unsigned i = digits; i > 0; i--, value >>= 4) {
        out[i - 1] = "0123456789abcdef"[value & 15];
    }
    return out + digits;
}

/* Negative as a whole when one is no digit. */
static int64_t get_hex(const char *at, unsigned digits)
{
    int64_t value = 0, bad = 0;
    for (unsigned i = 0; i < digits; i++) {
        signed char d = digit[(unsigned char)at[i]];
        bad |= d;
        value = (int64_t)((uint64_t)value << 4 | (uint64_t)(d & 15));
    }
    return bad < 0 ? -1 : value;
}

void rc_message_name(char out[RC_NAME_LEN + 1], uint16_t run, uint32_t client)
{
    char *at = put_hex(out + 2, run, 4);
    memcpy(out, "rb", 2);
    *at++ = '-';
    *put_hex(at, client < RC_CLIENTS_MAX ? client : RC_CLIENTS_MAX, 6) = '\0';
}

void rc_message_write(char *out, size_t size, const struct rc_message *message)
{
    pthread_once(&once, make_tables);
    memcpy(out, "rb", 2);
    char *at = put_hex(out + 2, message->run, 4);
    at = put_hex(at, message->sender, 6);
    at = put_hex(at, message->seq, 8);
    at = put_hex(at, message->time, 16);
    memcpy(at, filling + message->seq % LETTERS, size - RC_MESSAGE_MIN);
}

/* Where the text behind this key begins, when at least `need` bytes and the end of an object follow; else NULL. */
static const char *find(const char *json, size_t len, const char *key, size_t need)
{
    size_t key_len = strlen(key);
    const char *at = memmem(json, len, key, key_len);
    return at && (size_t)(json + len - at) >= key_len + need + 3 ? at + key_len : NULL;
}

enum rc_reading rc_message_read(struct rc_message *message, const char *json, size_t len, uint16_t run, size_t size)
{
    pthread_once(&once, make_tables);
    const char *text = find(json, len, "\"mensaje\":\"", RC_MESSAGE_MIN);
    if (!text || memcmp(text, "rb", 2) != 0 || get_hex(text + 2, 4) != run) {
        return RC_READ_FOREIGN;
    }
    int64_t sender = get_hex(text + 6, 6), seq = get_hex(text + 12, 8), time = get_hex(text + 20, 16);
    const char *from = find(json, len, "\"de\":\"", RC_NAME_LEN);
    if (sender < 0 || seq < 1 || time < 0 || !from || (size_t)(json + len - text) < size + 3) {
        return RC_READ_GARBLED;
    }
    *message = (struct rc_message){run, (uint32_t)sender, (uint32_t)seq, (uint64_t)time};
    if (memcmp(from, text, 6) != 0 || from[6] != '-' || memcmp(from + 7, text + 6, 6) != 0 ||
        from[RC_NAME_LEN] != '"' ||
        memcmp(text + RC_MESSAGE_MIN, filling + (uint32_t)seq % LETTERS, size - RC_MESSAGE_MIN) != 0 ||
        text[size] != '"' || json[len - 1] != ']') {
        return RC_READ_GARBLED;
    }
    return RC_READ_OK;
}
