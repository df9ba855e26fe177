/* Packs and unpacks the keys and values of the store. */
#include "broker/persister/store_format.h"

#include <string.h>
#include <xxhash.h>

#define USER_SEED 0x726f6f6d63617374ull /* "roomcast"; part of the disk format */

enum { ROW_HEAD_1 = 6, ROW_HEAD = ROW_HEAD_1 + 8, FLAG_DE_ADMIN = 1 };

void rc_disk_put64(uint8_t *out, uint64_t value)
{
    for (int i = 7; i >= 0; i--, value >>= 8)
        out[i] = (uint8_t)value;
}

uint64_t rc_disk_get64(const uint8_t *in)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | in[i];
    return value;
}

bool rc_slice_equal(struct rc_slice a, struct rc_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool rc_disk_key_pack(const struct rc_key *key, struct rc_disk_key *out)
{
    size_t id = strnlen(key->origin, sizeof key->origin);
    if (id == 0 || id > RC_ID_MAX || key->fecha < 0)
        return false;
    uint8_t *p = out->byte;
    rc_disk_put64(p, (uint64_t)key->fecha);
    p[8] = (uint8_t)id;
    memcpy(p + 9, key->origin, id);
    rc_disk_put64(p + 9 + id, key->origin_inc);
    rc_disk_put64(p + 17 + id, key->seq);
    out->len = (uint8_t)(25 + id);
    return true;
}

bool rc_disk_key_valid(const void *data, size_t len)
{
    const uint8_t *p = data;
    return len > 25 && len <= RC_DISK_KEY_MAX && p[8] == len - 25 && !memchr(p + 9, 0, p[8]);
}

bool rc_disk_key_unpack(const void *data, size_t len, struct rc_key *out)
{
    if (!rc_disk_key_valid(data, len))
        return false;
    const uint8_t *p = data;
    size_t id = p[8];
    memset(out, 0, sizeof *out);
    out->fecha = (int64_t)rc_disk_get64(p);
    memcpy(out->origin, p + 9, id);
    out->origin_inc = rc_disk_get64(p + 9 + id);
    out->seq = rc_disk_get64(p + 17 + id);
    return true;
}

int rc_disk_key_compare(const void *a, size_t a_len, const void *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

bool rc_disk_key_within(const struct rc_disk_key *horizon, const void *key, size_t len)
{
    return horizon->len && rc_disk_key_compare(key, len, horizon->byte, horizon->len) <= 0;
}

static bool user_valid(struct rc_slice user)
{
    return user.len > 0 && user.len <= RC_DISK_USER_MAX;
}

bool rc_disk_row_valid(const struct rc_disk_row *row)
{
    return user_valid(row->de) && user_valid(row->para);
}

size_t rc_disk_row_size(const struct rc_disk_row *row)
{
    return ROW_HEAD + row->de.len + row->para.len + row->mensaje.len;
}

static uint8_t *append(uint8_t *out, struct rc_slice bytes)
{
    if (bytes.len)
        memcpy(out, bytes.data, bytes.len);
    return out + bytes.len;
}

void rc_disk_row_pack(const struct rc_disk_row *row, uint8_t *out)
{
    out[0] = RC_DISK_ROW;
    out[1] = row->de_admin ? FLAG_DE_ADMIN : 0;
    out[2] = (uint8_t)(row->de.len >> 8);
    out[3] = (uint8_t)row->de.len;
    out[4] = (uint8_t)(row->para.len >> 8);
    out[5] = (uint8_t)row->para.len;
    rc_disk_put64(out + ROW_HEAD_1, row->number);
    append(append(append(out + ROW_HEAD, row->de), row->para), row->mensaje);
}

/* Bytes before the names in a row of this version, 0: unknown. */
static size_t row_head(uint8_t version)
{
    return version == RC_DISK_ROW ? ROW_HEAD : version == 1 ? ROW_HEAD_1 : 0;
}

bool rc_disk_row_unpack(const void *data, size_t len, struct rc_disk_row *out)
{
    const uint8_t *p = data;
    size_t head = len ? row_head(p[0]) : 0;
    if (!head || len < head)
        return false;
    size_t de = (size_t)p[2] << 8 | p[3], para = (size_t)p[4] << 8 | p[5];
    if (len - head < de + para)
        return false;
    out->de = (struct rc_slice){p + head, de};
    out->para = (struct rc_slice){p + head + de, para};
    out->mensaje = (struct rc_slice){p + head + de + para, len - head - de - para};
    out->de_admin = (p[1] & FLAG_DE_ADMIN) != 0;
    out->number = head == ROW_HEAD ? rc_disk_get64(p + ROW_HEAD_1) : 0;
    return rc_disk_row_valid(out);
}

uint64_t rc_disk_user_hash(struct rc_slice user)
{
    return XXH3_64bits_withSeed(user.data, user.len, USER_SEED);
}
