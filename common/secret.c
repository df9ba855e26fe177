/* Secrets: read from a private file or the environment, never shown, wiped when released. */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *variable(const char *env)
{
    const char *value = getenv(env);
    return value && *value ? value : NULL;
}

bool rc_secret_given(const char *path, const char *env)
{
    return *path || variable(env);
}

/* Judges and copies; the source is named in messages ("ROOMCAST_X" or "PATH (option)"). */
static bool keep(struct rc_secret *out, const char *source, const char *bytes, size_t len, size_t min,
                 char why[RC_SECRET_WHY])
{
    if (len < min || len > RC_SECRET_MAX) {
        snprintf(why, RC_SECRET_WHY, "the %s in %s has %zu bytes, it must have %zu to %d%s",
                 min > 1 ? "secret" : "password", source, len, min, RC_SECRET_MAX,
                 min > 1 ? " (openssl rand -hex 32 makes one)" : "");
        return false;
    }
    out->bytes = malloc(len + 1);
    if (!out->bytes) {
        snprintf(why, RC_SECRET_WHY, "out of memory");
        return false;
    }
    memcpy(out->bytes, bytes, len);
    out->bytes[len] = '\0';
    out->len = len;
    return true;
}

/* Whether the open file is private enough. */
static bool private_file(int fd, const char *path, const char *option, char why[RC_SECRET_WHY])
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        snprintf(why, RC_SECRET_WHY, "%s: %s is not a regular file", option, path);
    } else if (st.st_uid != geteuid() && st.st_uid != 0) {
        snprintf(why, RC_SECRET_WHY, "%s: %s belongs to user %ld, it must belong to user %ld or root", option, path,
                 (long)st.st_uid, (long)geteuid());
    } else if (st.st_mode & 077) {
        snprintf(why, RC_SECRET_WHY, "%s: others may use %s (mode %03o), run: chmod 600 %s", option, path,
                 (unsigned)st.st_mode & 0777, path);
    } else {
        return true;
    }
    return false;
}

/* Up to size bytes of the file; -1 with errno. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
    size_t len = 0;
    while (len < size) {
        ssize_t got = read(fd, buf + len, size - len);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return got < 0 ? -1 : (ssize_t)len;
        }
        len += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)len;
}

static bool read_file(struct rc_secret *out, const char *option, const char *path, int fd, size_t min,
                      char why[RC_SECRET_WHY])
{
    char buf[RC_SECRET_MAX + 3], source[RC_SECRET_WHY / 2]; /* newline, and one more to see that it is too long */
    if (!private_file(fd, path, option, why)) {
        return false;
    }
    ssize_t len = read_all(fd, buf, sizeof buf);
    if (len < 0) {
        snprintf(why, RC_SECRET_WHY, "%s: cannot read %s: %s", option, path, strerror(errno));
        return false;
    }
    if (len > 0 && buf[len - 1] == '\n') {
        len -= len > 1 && buf[len - 2] == '\r' ? 2 : 1;
    }
    snprintf(source, sizeof source, "%s (%s)", path, option);
    bool kept = keep(out, source, buf, (size_t)len, min, why);
    OPENSSL_cleanse(buf, sizeof buf);
    return kept;
}

static bool load_file(struct rc_secret *out, const char *option, const char *path, size_t min, char why[RC_SECRET_WHY])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* not blocking: a named pipe must not stop the start */
    if (fd < 0) {
        snprintf(why, RC_SECRET_WHY, "%s: cannot open %s: %s", option, path, strerror(errno));
        return false;
    }
    bool loaded = read_file(out, option, path, fd, min, why);
    close(fd);
    return loaded;
}

bool rc_secret_load(struct rc_secret *out, const char *option, const char *path, const char *env,
                    char why[RC_SECRET_WHY])
{
    const char *value = variable(env);
    *out = (struct rc_secret){0};
    if (value) {
        return keep(out, env, value, strlen(value), RC_SECRET_MIN, why);
    }
    if (!*path) {
        snprintf(why, RC_SECRET_WHY, "%s is not set: name a file of mode 0600 there, or put the secret into %s", option,
                 env);
        return false;
    }
    return load_file(out, option, path, RC_SECRET_MIN, why);
}

bool rc_secret_password(struct rc_secret *out, const char *option, const char *path, char why[RC_SECRET_WHY])
{
    *out = (struct rc_secret){0};
    return load_file(out, option, path, 1, why);
}

bool rc_secret_equal(const struct rc_secret *secret, const void *text, size_t len)
{
    return secret->bytes && len == secret->len && CRYPTO_memcmp(secret->bytes, text, len) == 0;
}

void rc_secret_fini(struct rc_secret *secret)
{
    if (secret->bytes) {
        OPENSSL_cleanse(secret->bytes, secret->len);
        free(secret->bytes);
    }
    *secret = (struct rc_secret){0};
}
