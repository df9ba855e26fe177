/* From long-polling to a WebSocket. */
#include "polling_world.h"

static void test_upgrade(void **state)
{
    struct fake_stream *poster = connection();
    get(*state);
    struct fake_stream *ws = candidate();
    waits(*state); /* nothing has changed yet */
    user_says("a");
    answered(*state, 200, "4a");
    get(*state);
    frame(ws, 1, "2probe");
    assert_string_equal(frames(ws), "3probe|");
    answered(*state, 200, "6");
    get(*state);
    answered(*state, 200, "6"); /* until it changes over */
    post(poster, "4b");
    answered(poster, 200, "ok");
    user_says("c");
    get(*state);
    answered(*state, 200, "4c");
    user_says("d");
    user_says("e");
    assert_string_equal(frames(ws), "");
    frame(ws, 1, "5");
    assert_string_equal(frames(ws), "4d|4e|");
    user_says("f");
    assert_string_equal(frames(ws), "4f|");
    frame(ws, 1, "4g");
    assert_string_equal(got, "b|g|");
    assert_int_equal(values[GM_UPGRADES], 1);
    assert_int_equal(values[GM_POLLING], 0);
    get(*state);
    answered(*state, 400, "{\"code\":3,\"message\":\"Bad request\"}");
    pass(11000); /* the candidate's time means nothing any more */
    assert_false(ws->stream.closing);
    leave(ws);
    assert_int_equal(ends, 1);
    assert_int_equal(why, RC_CLOSE_PEER);
}

/* A client that does not wait for its polls is let go. */
static void test_upgrade_with_requests_pending(void **state)
{
    struct fake_stream *poster = connection();
    struct fake_stream *ws = candidate();
    get(*state);
    post(poster, "4pause");
    frame(ws, 1, "5"); /* a probe is not asked for */
    answered(*state, 200, "6");
    answered(poster, 200, "ok");
    assert_true(ws->stream.paused); /* and still paused */
    rc_eio_pause(session, false);
    frame(ws, 1, "4a");
    assert_string_equal(got, "pause|a|");
    leave(ws);
}

static void test_heartbeat_goes_on(void **state)
{
    struct fake_stream *ws = candidate();
    (void)state;
    pass(5000);
    frame(ws, 1, "5");
    pass(20010); /* an interval from the opening */
    assert_string_equal(frames(ws), "2|");
    pass(20010);
    assert_string_equal(frames(ws), "X|");
    leave(ws);
    assert_int_equal(why, RC_CLOSE_PING_TIMEOUT);
}

static void lives_on(struct fake_stream *poll)
{
    get(poll);
    waits(poll); /* no longer hurried */
    user_says("a");
    answered(poll, 200, "4a");
}

static void test_upgrade_timeout(void **state)
{
    struct fake_stream *ws = candidate();
    frame(ws, 1, "2probe");
    frames(ws);
    pass(RC_EIO_UPGRADE_US / RC_MS - 100);
    assert_false(ws->stream.closing);
    get(*state);
    answered(*state, 200, "6");
    pass(120);
    assert_string_equal(frames(ws), "X|");
    assert_int_equal(ws->why, RC_CLOSE_UPGRADE);
    lives_on(*state);
    leave(ws);
    lives_on(*state);
}

static void test_bad_candidates(void **state)
{
    static const char *const wrong[] = {"", "2", "3probe", "2probe ", "4a", "6", "55", "1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct fake_stream *ws = candidate();
        frame(ws, 1, wrong[i]);
        assert_string_equal(frames(ws), "X|");
        assert_int_equal(ws->why, RC_CLOSE_UPGRADE);
        lives_on(*state);
        leave(ws);
    }
    struct fake_stream *ws = candidate();
    frame(ws, 2, "5"); /* binary */
    assert_string_equal(frames(ws), "X|");
    lives_on(*state);
    assert_string_equal(got, "");
}

static void test_candidate_is_lost(void **state)
{
    struct fake_stream *ws = candidate();
    frame(ws, 1, "2probe");
    leave(ws);
    lives_on(*state);
    ws = candidate(); /* another may come */
    frame(ws, 1, "5");
    assert_int_equal(values[GM_UPGRADES], 1);
    leave(ws);
}

static void test_second_candidate(void **state)
{
    struct fake_stream *first = candidate(), *second = candidate();
    (void)state;
    assert_string_equal(frames(second), "X|");
    assert_int_equal(second->why, RC_CLOSE_UPGRADE);
    leave(second);
    frame(first, 1, "2probe");
    assert_string_equal(frames(first), "3probe|");
    frame(first, 1, "5");
    assert_int_equal(values[GM_UPGRADES], 1);
    struct fake_stream *third = candidate(); /* of a session that is on a WebSocket already */
    assert_string_equal(frames(third), "X|");
    frame(first, 1, "4a");
    assert_string_equal(got, "a|");
    leave(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_upgrade),           TEST(test_upgrade_with_requests_pending),
        TEST(test_heartbeat_goes_on), TEST(test_upgrade_timeout),
        TEST(test_bad_candidates),    TEST(test_candidate_is_lost),
        TEST(test_second_candidate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
