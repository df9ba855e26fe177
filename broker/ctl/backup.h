/* roomcastctl backup: makes a persister copy its store, and watches it. */
#ifndef RC_CTL_BACKUP_H
#define RC_CTL_BACKUP_H

#include "broker/ctl/survey.h"

struct rc_backup_order {
    const struct rc_survey *survey; /* asked already */
    const struct rc_secret *token;  /* empty: none */
    long timeout_ms;                /* for each answer */
    const char *persister;          /* its name */
    const char *name;               /* of the file in its backup.dir */
    bool every_second;              /* tell how far it is each second */
};

/* RC_EXIT_OK: the file is there; RC_EXIT_DATA: it could not be made, or was refused; RC_EXIT_USAGE: no such persister;
 * RC_EXIT_UNAVAILABLE: it does not answer; RC_EXIT_INTERNAL. */
enum rc_exit rc_ctl_backup(const struct rc_backup_order *order);

#endif
