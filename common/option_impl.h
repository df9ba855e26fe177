/* What the files that make up common/option.h share. */
#ifndef RC_OPTION_IMPL_H
#define RC_OPTION_IMPL_H

#include "exit.h"
#include "option.h"

#define RC_OPTION_WHY   512  /* room for what is wrong with a value */
#define RC_OPTION_VALUE 4096 /* bytes of a text value, unless its line says less */
#define RC_OPTION_SHOWN (RC_OPTION_VALUE + 16)

struct rc_option_errors {
    char *text[RC_OPTION_ERRORS]; /* owned; the first of them */
    size_t count;                 /* of all, kept or not */
    enum rc_exit code;            /* RC_EXIT_USAGE once a flag was wrong, else RC_EXIT_CONFIG */
};

/* A line of a table while its sources are read. */
struct rc_slot {
    const struct rc_option *option;
    void *values;       /* the struct of its table */
    const char *source; /* of the value in force: "default", "file", "environment", "flag"; NULL: none yet */
    unsigned line;      /* of the file, where it was given; 0 not at all */
};

/* All lines of a set. */
struct rc_slots {
    struct rc_slot *slot; /* owned */
    size_t count;
};

/* option_slots.c */
bool rc_slots_init(struct rc_slots *slots, const struct rc_option_set *set); /* false: out of memory */
void rc_slots_defaults(struct rc_slots *slots, struct rc_option_errors *errors);
void rc_slots_environment(struct rc_slots *slots, struct rc_option_errors *errors);
/* An error for each option that must be given and was not. */
void rc_slots_require(const struct rc_slots *slots, struct rc_option_errors *errors);
struct rc_slot *rc_slot_find(const struct rc_slots *slots, const char *name);
/* The known name that an unknown one was likely meant to be, or NULL. */
const char *rc_slot_nearest(const struct rc_slots *slots, const char *name);
/* Sets the value and its source; a bad one is an error told as: where: name = "text" why. */
void rc_slot_assign(struct rc_slot *slot, const char *text, const char *where, const char *source,
                    struct rc_option_errors *errors);

/* option_value.c: the only place that knows how each type is stored. */
/* True: *values holds it and what it held is freed. False: nothing changed, why tells what would be right. */
bool rc_value_set(const struct rc_option *option, void *values, const char *text, char why[RC_OPTION_WHY]);
/* Puts "" (texts) or 0. False: out of memory. */
bool rc_value_empty(const struct rc_option *option, void *values);
/* The value in the words of a file: a text of its own for numbers (in buf), else the stored one. */
const char *rc_value_text(const struct rc_option *option, const void *values, char buf[32]);
/* A text of this option as it may be shown, which for URLs is without what is secret; text itself, or made in buf. */
const char *rc_value_shown(const struct rc_option *option, const char *text, char buf[RC_OPTION_SHOWN]);
bool rc_value_equal(const struct rc_option *option, const void *a, const void *b);
void rc_value_swap(const struct rc_option *option, void *a, void *b);
void rc_value_free(const struct rc_option *option, void *values);
/* Bytes of the struct up to the end of this value. */
size_t rc_value_end(const struct rc_option *option);

/* option_file.c: gives the slots what the file says. ended: a last line without an end is an error, since somebody is still
 * writing it. */
void rc_option_file(const char *path, bool ended, struct rc_slots *slots, struct rc_option_errors *errors);

/* option_help.c */
void rc_option_help(const struct rc_option_set *set, FILE *out);
void rc_option_show(const struct rc_slots *slots, FILE *out);

#endif
