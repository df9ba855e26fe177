/* Packs and unpacks the keys and values of the store. */
#include "broker/persister/store_format.h"

#include <string.h>
#include <xxhash.h>

#define USER_SEED 0x726f6f6d63617374ull /* "roomcast"; part of the disk format */

enum { ROW_HEAD = 6, FLAG_DE_ADMIN = 1 };

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
    append(append(append(out + ROW_HEAD, row->de), row->para), row->mensaje);
}

bool rc_disk_row_unpack(const void *data, size_t len, struct rc_disk_row *out)
{
    const uint8_t *p = data;
    if (len < ROW_HEAD || p[0] != RC_DISK_ROW)
        return false;
    size_t de = (size_t)p[2] << 8 | p[3], para = (size_t)p[4] << 8 | p[5];
    if (len - ROW_HEAD < de + para)
        return false;
    out->de = (struct rc_slice){p + ROW_HEAD, de};
    out->para = (struct rc_slice){p + ROW_HEAD + de, para};
    out->mensaje = (struct rc_slice){p + ROW_HEAD + de + para, len - ROW_HEAD - de - para};
    out->de_admin = (p[1] & FLAG_DE_ADMIN) != 0;
    return rc_disk_row_valid(out);
}

uint64_t rc_disk_user_hash(struct rc_slice user)
{
    return XXH3_64bits_withSeed(user.data, user.len, USER_SEED);
}
