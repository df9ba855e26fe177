/* Which tables can be written, and which URLs can be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "broker/persister/sql/fit.h"
#include "broker/persister/sql/pg.h"

enum { ID, CLAVE, DE, PARA, MENSAJE, FECHA, COUNT };

static const struct rc_sql_column good[COUNT] = {
    {"id", "bigint", true, true, true},         {"clave", "text", true, false, true},
    {"de_usuario", "text", true, false, false}, {"para_usuario", "text", true, false, false},
    {"mensaje", "text", true, false, false},    {"fecha", "timestamp with time zone", true, false, false},
};
static struct rc_sql_column table[COUNT + 1];
static char why[512];

static int fresh(void **state)
{
    (void)state;
    memcpy(table, good, sizeof good);
    return 0;
}

static void fits(size_t n)
{
    if (!rc_sql_fit(table, n, why, sizeof why))
        fail_msg("%s", why);
}

static void refused(size_t n, const char *words)
{
    assert_false(rc_sql_fit(table, n, why, sizeof why));
    if (!strstr(why, words))
        fail_msg("\"%s\" is not in \"%s\"", words, why);
}

static void set_type(int column, const char *type)
{
    strcpy(table[column].type, type);
}

static void takes_what_has_room(void **state)
{
    (void)state;
    fits(COUNT);
    set_type(DE, "character varying(255)");
    set_type(PARA, "character varying");
    set_type(MENSAJE, "character varying");
    set_type(ID, "integer");
    table[CLAVE].required = table[FECHA].required = false;
    fits(COUNT);
    table[COUNT] = (struct rc_sql_column){"leido", "boolean", true, true, false};
    fits(COUNT + 1);
}

static void names_the_column_that_does_not_fit(void **state)
{
    (void)state;
    static const struct {
        int column;
        const char *type, *words;
    } wrong[] = {
        {DE, "character varying(254)",
         "column de_usuario of table mensajes is character varying(254), it must be text"},
        {PARA, "integer", "column para_usuario of table mensajes is integer"},
        {MENSAJE, "character varying(4000)", "column mensaje"},
        {MENSAJE, "jsonb", "column mensaje"},
        {FECHA, "timestamp without time zone", "it must be timestamp with time zone"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        fresh(NULL);
        set_type(wrong[i].column, wrong[i].type);
        refused(COUNT, wrong[i].words);
    }
    refused(FECHA, "no column fecha: ALTER TABLE mensajes ADD COLUMN fecha timestamp with time zone");
}

static void wants_a_unique_key(void **state)
{
    (void)state;
    table[CLAVE].unique = false;
    refused(COUNT, "ADD UNIQUE (clave)");
    strcpy(table[CLAVE].name, "other");
    refused(COUNT, "ADD COLUMN clave text UNIQUE");
}

static void wants_to_be_able_to_add_rows(void **state)
{
    (void)state;
    table[ID].filled = false;
    refused(COUNT, "column id of table mensajes is NOT NULL and has no default");
    table[ID].required = false;
    fits(COUNT);
}

static void judges_urls_without_telling_the_password(void **state)
{
    (void)state;
    static const char *const fine[] = {"postgresql://u:p%40w@h:5432/db?sslmode=require", "postgres://h/db",
                                       "postgresql://"};
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
        assert_true(rc_pg_judge(fine[i], why));
    static const char *const bad[] = {"",
                                      "host=h password=pw",
                                      "mysql://u:pw@h/db",
                                      "postgresql://u:pw%zz@h/db",
                                      "postgresql://u:pw@h:port/db?a",
                                      "postgresql://u:pw@[::1/db",
                                      "postgresql://h/db?pw=1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(rc_pg_judge(bad[i], why));
        assert_non_null(strstr(why, "postgresql://user@host:5432/database"));
        assert_null(strstr(why, "pw"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(takes_what_has_room, fresh),
        cmocka_unit_test_setup(names_the_column_that_does_not_fit, fresh),
        cmocka_unit_test_setup(wants_a_unique_key, fresh),
        cmocka_unit_test_setup(wants_to_be_able_to_add_rows, fresh),
        cmocka_unit_test(judges_urls_without_telling_the_password),
    };
    return cmocka_run_group_tests_name("sql fit", tests, NULL, NULL);
}
