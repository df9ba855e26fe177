/* Metrics: sums over the copies and the text endpoint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>

#include "metric.h"

#define TEST_METRICS(X)                                                                                                \
    X(TM_IN, "messages_in", RC_COUNTER, "messages", "Events accepted.")                                                \
    X(TM_OPEN, "clients", RC_GAUGE, "sockets", "Client sockets that are open.")

enum { TEST_METRICS(RC_METRIC_ENUM) TM_COUNT };
static const struct rc_metric_info info[] = {TEST_METRICS(RC_METRIC_INFO)};

static void sums_the_copies(void **state)
{
    (void)state;
    _Atomic uint64_t a[TM_COUNT] = {0}, b[TM_COUNT] = {0};
    _Atomic uint64_t *const copies[] = {a, b};
    const struct rc_metrics metrics = {"gateway", info, TM_COUNT, copies, 2};
    rc_metric_add(&a[TM_IN], 5);
    rc_metric_add(&b[TM_IN], 7);
    assert_int_equal(rc_metrics_value(&metrics, TM_IN), 12);
    rc_metric_set(&a[TM_OPEN], 3);
    rc_metric_sub(&b[TM_OPEN], 1); /* opened in one thread, closed in another */
    assert_int_equal(rc_metrics_value(&metrics, TM_OPEN), 2);
    rc_metric_sub(&b[TM_OPEN], 5);
    assert_int_equal(rc_metrics_value(&metrics, TM_OPEN), 0);
    assert_int_equal(rc_metric_get(&a[TM_OPEN]), 3);
}

static void writes_prometheus_text(void **state)
{
    (void)state;
    _Atomic uint64_t values[TM_COUNT] = {0};
    _Atomic uint64_t *const copies[] = {values};
    const struct rc_metrics metrics = {"gateway", info, TM_COUNT, copies, 1};
    char *text = NULL;
    size_t len;
    rc_metric_set(&values[TM_IN], UINT64_MAX);
    FILE *out = open_memstream(&text, &len);
    rc_metrics_write(&metrics, out);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, "# HELP roomcast_gateway_messages_in Events accepted. (messages)\n"
                              "# TYPE roomcast_gateway_messages_in counter\n"
                              "roomcast_gateway_messages_in 18446744073709551615\n"
                              "# HELP roomcast_gateway_clients Client sockets that are open. (sockets)\n"
                              "# TYPE roomcast_gateway_clients gauge\n"
                              "roomcast_gateway_clients 0\n");
    free(text);
}

static void *add_many(void *arg)
{
    for (int i = 0; i < 100000; i++) {
        rc_metric_add(arg, 1);
    }
    return NULL;
}

static void loses_no_count_of_two_threads(void **state)
{
    (void)state;
    static _Atomic uint64_t value;
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, add_many, &value);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(rc_metric_get(&value), 200000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_the_copies),
        cmocka_unit_test(writes_prometheus_text),
        cmocka_unit_test(loses_no_count_of_two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
