/* The options of the tool, backup and check. */
#include "broker/persister/tool.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/persister/backup_file.h"
#include "broker/persister/options.h"

#define AT(field) offsetof(struct rc_tool_options, field)

static const struct rc_option lines[] = {
    {"data.dir", RC_OPT_STRING, AT(data_dir), 1, 0, NULL, "DIR", false,
     "Directory of the store; no persister may use it"},
    {"data.map_size", RC_OPT_SIZE, AT(map_size), 1 << 20, RC_MAP_MAX, "64g", "bytes", false,
     "Most bytes that the store may grow to, for --restore and --import; as the persister will have it"},
    {"backup", RC_OPT_STRING, AT(backup), 0, RC_BACKUP_PATH - 1, "", "FILE", false,
     "Copy the store of data.dir to this file, which must not exist"},
    {"restore", RC_OPT_STRING, AT(restore), 0, 0, "", "FILE", false,
     "Make the store of data.dir, which must be empty, from a backup, after verifying that"},
    {"import", RC_OPT_STRING, AT(import), 0, 0, "", "FILE", false,
     "Read messages, a line each as `roomcastctl export` writes them, into the store of data.dir; - for stdin. What is "
     "there already is left alone"},
    {"import.skip", RC_OPT_BOOL, AT(import_skip), 0, 0, "false", NULL, false,
     "Tell lines that are wrong and go on, instead of stopping at the first"},
    {"check-store", RC_OPT_BOOL, AT(check_store), 0, 0, "false", NULL, false,
     "Read the whole store of data.dir and verify its indexes and counts; 73 when it is broken"},
};

bool rc_tool_asked(char **argv)
{
    static const char *const names[] = {"--backup", "--restore", "--import", "--check-store"};
    for (char **arg = argv + 1; *arg; arg++)
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            size_t len = strlen(names[i]);
            if (strncmp(*arg, names[i], len) == 0 && ((*arg)[len] == '\0' || (*arg)[len] == '='))
                return true;
        }
    return false;
}

static void check(void *arg, struct rc_option_errors *errors)
{
    const struct rc_tool_options *o = arg;
    if (!!*o->backup + !!*o->restore + !!*o->import + o->check_store != 1)
        rc_option_fail(errors, "give one of --backup FILE, --restore FILE, --import FILE and --check-store");
}

/* ---- check ------------------------------------------------------------------------------------------------------- */

static enum rc_exit check_here(const char *dir, bool say)
{
    char why[1024];
    struct rc_store_counts n = {0};
    struct rc_store *store = rc_store_view(dir, why, sizeof why);
    bool good = store && rc_store_check(store, &n, why, sizeof why);
    rc_store_close(store);
    if (!good)
        fprintf(stderr, "roomcast-persister: %s\n", why);
    else if (say)
        printf("data.dir %s is whole: %llu messages, %llu users\n", dir, (unsigned long long)n.messages,
               (unsigned long long)n.users);
    return good ? RC_EXIT_OK : RC_EXIT_DATA;
}

/* Damaged pages end the child by these; no report of a sanitizer then. */
static void let_die(void)
{
    (void)signal(SIGSEGV, SIG_DFL);
    (void)signal(SIGBUS, SIG_DFL);
    (void)signal(SIGABRT, SIG_DFL);
}

enum rc_exit rc_tool_check(const char *dir, bool say)
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        let_die();
        exit((int)check_here(dir, say));
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        fprintf(stderr, "roomcast-persister: no process: %s\n", strerror(errno));
        return RC_EXIT_INTERNAL;
    }
    if (WIFEXITED(status))
        return (enum rc_exit)WEXITSTATUS(status);
    fprintf(stderr,
            "roomcast-persister: data.dir %s is broken: data.mdb has pages that are missing or damaged; reading them "
            "ended in \"%s\"\n",
            dir, strsignal(WTERMSIG(status)));
    return RC_EXIT_DATA;
}

/* ---- backup ------------------------------------------------------------------------------------------------------ */

static enum rc_exit back_up(const struct rc_tool_options *o)
{
    char why[RC_BACKUP_WHY] = "out of memory";
    struct rc_backup_file file;
    uint64_t bytes = 0;
    struct rc_store *store = rc_store_view(o->data_dir, why, sizeof why);
    bool done = store && rc_backup_file_init(&file, store, o->backup) && rc_backup_file_make(&file, &bytes, why);
    if (done)
        printf("%s: %llu bytes\n", o->backup, (unsigned long long)bytes);
    else
        fprintf(stderr, "roomcast-persister: %s\n", why);
    if (store)
        rc_backup_file_fini(&file);
    rc_store_close(store);
    return done ? RC_EXIT_OK : RC_EXIT_DATA;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static enum rc_exit run(const struct rc_tool_options *o)
{
    (void)signal(SIGPIPE, SIG_IGN);
    if (*o->backup)
        return back_up(o);
    if (*o->restore)
        return rc_tool_restore(o);
    return *o->import ? rc_tool_import(o) : rc_tool_check(o->data_dir, true);
}

int rc_tool_run(char **argv)
{
    struct rc_tool_options o = {0};
    struct rc_option_table table = {lines, sizeof lines / sizeof lines[0], &o};
    struct rc_option_set set = {.program = "roomcast-persister",
                                .summary = "looks after a store that no persister uses.",
                                .tables = &table,
                                .table_count = 1,
                                .check = check,
                                .arg = &o};
    int code = rc_options_parse(&set, argv);
    if (code == RC_OPTIONS_RUN)
        code = (int)run(&o);
    rc_options_free(&set);
    return code;
}
