#include "tests/support/control_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const uint8_t any_topic[16] = {1, 2, 3};

#define CEILING_OF_ONE "SELECT ceiling FROM sluice.sluice_members WHERE member = 'one'"

/* --- the lease --- */

static void the_lease_is_renewed_and_the_ceiling_grows_with_it(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "one");
    int64_t before = fake_db_number(db, CEILING_OF_ONE);
    host_run(&host, 60 * SECOND_US);
    int64_t after = fake_db_number(db, CEILING_OF_ONE);
    assert_int_equal(after, control_ceiling_us(host.control));
    assert_in_range(after - before, 56 * SECOND_US, 64 * SECOND_US);
    assert_true(after <= host.net.now.wall_us + 40 * SECOND_US);
    assert_in_range(fake_db_count(db, "UPDATE \"sluice\".sluice_members SET ceiling"), 19, 21);
    assert_int_equal(host.lease_lost, 0);
    host_kill(&host);
    fake_db_free(db);
}

static void a_lease_that_cannot_be_renewed_ends_and_is_held_again(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "one");
    int32_t epoch = control_leader_epoch(host.control, any_topic, 0);
    fake_node_set_down(host.node, true);
    host_run(&host, 6 * SECOND_US); /* the last renewal was at most 3 s ago */
    assert_int_equal(host_led(&host, any_topic, 1), 1);
    host_run(&host, 5 * SECOND_US);
    assert_int_equal(host_led(&host, any_topic, 1), 0);
    assert_int_equal(host.lease_lost, 1);
    fake_node_set_down(host.node, false);
    host_run(&host, 20 * SECOND_US);
    assert_int_equal(host.lease_held, 1);
    assert_int_equal(host_led(&host, any_topic, 128), 128);
    assert_int_equal(control_leader_epoch(host.control, any_topic, 0), epoch);
    assert_int_equal(host.fatal_code, 0);
    host_kill(&host);
    fake_db_free(db);
}

static void the_lease_counts_from_before_the_renewal_was_sent(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "one");
    host_run(&host, SECOND_US);
    /* Done, but the answer is lost; the read that settles it comes 2 s later. */
    fake_db_fault(db, "SET ceiling", FAULT_LOSE_ANSWER, 1);
    int64_t start_us = host.net.now.boot_us;
    while (fake_db_count(db, "SET ceiling") == 0)
        host_run(&host, 10 * MS_US);
    int64_t sent_us = host.net.now.boot_us;
    assert_in_range(sent_us - start_us, 0, 3 * SECOND_US);
    host_run(&host, 3 * SECOND_US - 200 * MS_US);
    assert_int_equal(fake_db_number(db, CEILING_OF_ONE), control_ceiling_us(host.control));
    host_run(&host, 150 * MS_US);
    fake_node_set_down(host.node, true);
    host_run(&host, sent_us + 9900 * MS_US - host.net.now.boot_us);
    assert_int_equal(host_led(&host, any_topic, 1), 1);
    host_run(&host, 100 * MS_US);
    assert_int_equal(host_led(&host, any_topic, 1), 0);
    host_kill(&host);
    fake_db_free(db);
}

static void expect_renewed_at_once(struct host *host, struct moment later)
{
    host->net.now = later;
    control_tick(host->control, later);
    host_run(host, 100 * MS_US);
    assert_int_equal(host_led(host, any_topic, 1), 1);
    assert_int_equal(host->lease_lost, 1);
    assert_int_equal(host->lease_held, 1);
}

static void a_jump_of_the_wall_clock_ends_the_lease_early(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "one");
    struct moment later = host.net.now;
    later.wall_us += 11 * SECOND_US;
    assert_false(control_leads(host.control, any_topic, 0, later));
    expect_renewed_at_once(&host, later);
    assert_true(control_ceiling_us(host.control) > later.wall_us + 10 * SECOND_US);
    host_kill(&host);
    fake_db_free(db);
}

/* Frozen for 16 s by the host, and set right by 11 s before it runs on: 5 s seem to be gone. */
static void a_freeze_that_a_step_back_of_the_wall_clock_hides_ends_the_lease(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "one");
    host_run(&host, SECOND_US);
    struct moment later = host.net.now;
    later.wall_us += 16 * SECOND_US - 11 * SECOND_US;
    assert_false(control_leads(host.control, any_topic, 0, later));
    later.wall_us -= 4500 * MS_US; /* adjusted a little: that happens */
    assert_true(control_leads(host.control, any_topic, 0, later));
    later.wall_us -= 2 * SECOND_US;
    assert_false(control_leads(host.control, any_topic, 0, later));
    expect_renewed_at_once(&host, later);
    host_kill(&host);
    fake_db_free(db);
}

static void a_lease_that_has_ended_comes_back_by_a_renewal_only(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "one");
    fake_node_set_down(host.node, true);
    host.net.now.wall_us += 11 * SECOND_US;
    control_tick(host.control, host.net.now);
    host.net.now.wall_us -= 11 * SECOND_US;
    control_tick(host.control, host.net.now);
    assert_int_equal(host_led(&host, any_topic, 1), 0);
    assert_int_equal(host.lease_held, 0);
    fake_node_set_down(host.node, false);
    host_run(&host, 15 * SECOND_US);
    assert_int_equal(host_led(&host, any_topic, 1), 1);
    assert_int_equal(host.lease_held, 1);
    host_kill(&host);
    fake_db_free(db);
}

static void the_ceiling_never_falls_when_the_wall_clock_steps_back(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "one");
    int64_t before = control_ceiling_us(host.control);
    host.net.now.wall_us -= 3600 * SECOND_US;
    for (int i = 0; i < 5; i++) {
        host_run(&host, 3 * SECOND_US);
        assert_true(control_ceiling_us(host.control) > before);
        before = control_ceiling_us(host.control);
    }
    assert_int_equal(host.lease_lost, 1); /* until the renewal that the step caused */
    assert_int_equal(host.lease_held, 1);
    host_kill(&host);
    fake_db_free(db);
}

static void a_late_renewal_does_not_lower_the_ceiling(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "one");
    fake_db_fault(db, "SET ceiling", FAULT_LATE, 1);
    host_run(&host, 12 * SECOND_US);
    int64_t ceiling = fake_db_number(db, CEILING_OF_ONE);
    assert_int_equal(ceiling, control_ceiling_us(host.control));
    fake_db_execute_late(db);
    assert_int_equal(fake_db_number(db, CEILING_OF_ONE), ceiling);
    assert_int_equal(host.lease_lost, 0);
    host_kill(&host);
    fake_db_free(db);
}

static void renewals_get_lost_in_every_way_and_the_lease_stays(void **state)
{
    (void)state;
    static const enum fake_fault faults[] = {FAULT_LOSE_REQUEST, FAULT_LOSE_ANSWER, FAULT_LATE,
                                             FAULT_CAS_TIMEOUT};
    for (size_t i = 0; i < 4; i++) {
        struct fake_db *db = fake_db_new();
        struct host host;
        host_up(&host, db, "one");
        for (int round = 0; round < 5; round++) {
            fake_db_fault(db, "SET ceiling", faults[i], 1);
            host_run(&host, 4 * SECOND_US);
            fake_db_execute_late(db);
            host_run(&host, 6 * SECOND_US);
            assert_true(fake_db_number(db, CEILING_OF_ONE) >= control_ceiling_us(host.control));
        }
        assert_int_equal(host.lease_lost, 0);
        assert_int_equal(host.fatal_code, 0);
        host_kill(&host);
        fake_db_free(db);
    }
}

/* --- one after the other --- */

static void a_killed_predecessor_on_this_host_is_taken_over_at_once(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host first, second;
    host_up(&first, db, "one");
    int64_t c_us = control_ceiling_us(first.control);
    host_init(&second, db, "one");
    host_follow(&second, &first);
    host_kill(&first);
    host_start(&second);
    host_run(&second, SECOND_US);
    assert_true(second.ready);
    assert_true(second.ready_us < 200 * MS_US);
    assert_int_equal(host_led(&second, any_topic, 128), 128);
    for (int i = 0; i < 128; i++) {
        assert_int_equal(control_sealed_below_us(second.control, any_topic, i), c_us);
        assert_int_equal(control_leader_epoch(second.control, any_topic, i), 2);
    }
    assert_true(control_ceiling_us(second.control) > c_us);
    host_kill(&second);
    fake_db_free(db);
}

static void restarts_in_quick_succession_each_get_a_higher_ceiling(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host hosts[20];
    host_up(&hosts[0], db, "one");
    for (int i = 1; i < 20; i++) {
        int64_t c_us = control_ceiling_us(hosts[i - 1].control);
        host_init(&hosts[i], db, "one");
        host_follow(&hosts[i], &hosts[i - 1]);
        host_kill(&hosts[i - 1]);
        host_start(&hosts[i]);
        host_run(&hosts[i], 100 * MS_US);
        assert_true(control_ceiling_us(hosts[i].control) >= c_us + SECOND_US);
        assert_int_equal(control_sealed_below_us(hosts[i].control, any_topic, 0), c_us);
    }
    host_kill(&hosts[19]);
    fake_db_free(db);
}

/* Another boot id: a reboot, a container of its own namespace, a cloned disk. Nothing proves that
 * the old one is gone. */
static void expect_a_wait_for_the_lease(struct fake_db *db, struct host *host)
{
    host_start(host);
    host_run(host, 10 * SECOND_US);
    assert_false(host->ready);
    host_run(host, 4 * SECOND_US);
    assert_true(host->ready);
    assert_in_range(host->ready_us, 11500 * MS_US, 13500 * MS_US);
    assert_int_equal(host_led(host, any_topic, 128), 128);
    assert_true(fake_net_logged(&host->net, "waiting for the former process") >= 1);
    host_kill(host);
    fake_db_free(db);
}

static void the_same_name_from_another_boot_waits_for_the_lease(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host first, second;
    host_up(&first, db, "one");
    host_init(&second, db, "one");
    second.config.boot_id = "boot/net:[2]";
    host_follow(&second, &first);
    host_kill(&first);
    expect_a_wait_for_the_lease(db, &second);
}

static void a_predecessor_that_is_not_provably_gone_waits_for_the_lease(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host first, second;
    host_up(&first, db, "one");
    host_init(&second, db, "one");
    second.config.predecessor_gone = false;
    host_follow(&second, &first);
    host_kill(&first);
    expect_a_wait_for_the_lease(db, &second);
}

static void the_same_name_alive_elsewhere_is_never_taken_over(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host first, second;
    struct host *const both[] = {&first, &second};
    host_up(&first, db, "one");
    host_init(&second, db, "one");
    second.config.boot_id = "boot/net:[2]";
    host_follow(&second, &first);
    host_start(&second);
    hosts_run(both, 2, 60 * SECOND_US);
    assert_false(second.ready);
    assert_int_equal(host_led(&first, any_topic, 128), 128);
    assert_int_equal(first.lease_lost, 0);
    host_kill(&first);
    host_kill(&second);
    fake_db_free(db);
}

static void after_a_clean_stop_nobody_waits(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host first, second;
    host_up(&first, db, "one");
    host_init(&second, db, "two"); /* not even on another host */
    second.config.boot_id = "boot/net:[2]";
    control_release(first.control, first.net.now.boot_us + SECOND_US, NULL, NULL, first.net.now);
    assert_int_equal(host_led(&first, any_topic, 128), 0);
    host_run(&first, 100 * MS_US);
    int64_t c_us = control_ceiling_us(first.control);
    assert_int_equal(
        fake_db_number(db, "SELECT closed FROM sluice.sluice_members WHERE member = 'one'"), 1);
    host_follow(&second, &first);
    host_kill(&first);
    host_start(&second);
    host_run(&second, 5 * SECOND_US);
    assert_true(second.ready);
    assert_true(second.ready_us < 200 * MS_US);
    assert_int_equal(host_led(&second, any_topic, 128), 128);
    assert_int_equal(control_sealed_below_us(second.control, any_topic, 0), c_us);
    assert_true(control_ceiling_us(second.control) > c_us);
    host_kill(&second);
    fake_db_free(db);
}

static void a_release_is_settled_whatever_gets_lost(void **state)
{
    (void)state;
    static const enum fake_fault faults[] = {FAULT_LOSE_REQUEST, FAULT_LOSE_ANSWER, FAULT_LATE,
                                             FAULT_CAS_TIMEOUT};
    for (size_t i = 0; i < 4; i++) {
        struct fake_db *db = fake_db_new();
        struct host host;
        host_up(&host, db, "one");
        fake_db_fault(db, "SET closed = true", faults[i], 1);
        host_stop(&host);
        assert_int_equal(
            fake_db_number(db, "SELECT closed FROM sluice.sluice_members WHERE member = 'one'"), 1);
        fake_db_free(db);
    }
}

static void a_release_without_a_database_ends_at_its_deadline(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "one");
    fake_node_set_down(host.node, true);
    host_stop(&host);
    fake_db_free(db);
}

static void a_release_before_joining_ends_at_once(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_init(&host, db, "one");
    host.node->refuses = true;
    host_start(&host);
    host_stop(&host);
    fake_db_free(db);
}

static void a_clean_restart_takes_the_own_row_again(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host first, second;
    host_up(&first, db, "one");
    int64_t c_us = control_ceiling_us(first.control);
    host_stop(&first);
    host_up(&second, db, "one");
    assert_int_equal(fake_db_run(db, "SELECT member FROM sluice.sluice_members"), 1);
    assert_true(control_sealed_below_us(second.control, any_topic, 0) >= c_us);
    host_kill(&second);
    fake_db_free(db);
}

/* A transaction of a dead process may be executed by a slow coordinator at any time. */
static void what_a_dead_process_left_under_way_changes_nothing(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host first, second;
    host_up(&first, db, "one");
    fake_db_fault(db, "SET ceiling", FAULT_LATE, 1);
    host_run(&first, 3100 * MS_US);
    host_init(&second, db, "one");
    host_follow(&second, &first);
    host_kill(&first);
    host_start(&second);
    host_run(&second, 500 * MS_US);
    int64_t ceiling = control_ceiling_us(second.control);
    fake_db_execute_late(db);
    assert_int_equal(fake_db_number(db, CEILING_OF_ONE), ceiling);
    host_run(&second, 30 * SECOND_US);
    assert_int_equal(second.fatal_code, 0);
    assert_int_equal(second.lease_lost, 0);
    host_kill(&second);
    fake_db_free(db);
}

/* --- side by side --- */

static void a_live_member_keeps_its_slots(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host first, second;
    struct host *const both[] = {&first, &second};
    host_up(&first, db, "one");
    host_init(&second, db, "two");
    host_follow(&second, &first);
    host_start(&second);
    hosts_run(both, 2, 60 * SECOND_US);
    assert_true(second.ready);
    assert_int_equal(host_led(&first, any_topic, 128), 128);
    assert_int_equal(host_led(&second, any_topic, 128), 0);
    host_kill(&first);
    host_kill(&second);
    fake_db_free(db);
}

static void a_silent_member_is_fenced_after_its_lease_and_its_slots_change_hands(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host first, second;
    struct host *const both[] = {&first, &second};
    host_up(&first, db, "one");
    host_init(&second, db, "two");
    host_follow(&second, &first);
    host_start(&second);
    hosts_run(both, 2, 5 * SECOND_US);
    fake_node_set_down(first.node, true); /* cut off, but running */
    for (int i = 0; i < 200; i++) {
        hosts_run(both, 2, 100 * MS_US);
        assert_true(host_led(&first, any_topic, 128) == 0 ||
                    host_led(&second, any_topic, 128) == 0);
    }
    assert_int_equal(host_led(&second, any_topic, 128), 128);
    assert_int_equal(first.lease_lost, 1);
    int64_t c_us = control_ceiling_us(first.control);
    assert_int_equal(control_sealed_below_us(second.control, any_topic, 7), c_us);
    assert_int_equal(control_leader_epoch(second.control, any_topic, 7), 2);
    assert_true(control_ceiling_us(second.control) > c_us);
    fake_node_set_down(first.node, false); /* it finds that it is over */
    hosts_run(both, 2, 15 * SECOND_US);
    assert_int_equal(first.fatal_code, 1);
    assert_int_equal(host_led(&first, any_topic, 128), 0);
    host_kill(&first);
    host_kill(&second);
    fake_db_free(db);
}

/* Nobody of ours has such a name; whoever writes one must not make us fence "one" in its place, nor
 * remember it anew with each look. */
static void a_member_whose_name_has_a_nul_is_itself_and_no_other(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "two");
    host_kill(&host);
    (void)fake_db_run(db, "INSERT INTO sluice.sluice_members (member, incarnation, boot, lease_ms, "
                          "ceiling, closed) VALUES ('one', 7, 'x', 10000, 1000, false)");
    (void)fake_db_run(db, "INSERT INTO sluice.sluice_members (member, incarnation, boot, lease_ms, "
                          "ceiling, closed) VALUES (0x6f6e650078, 7, 'x', 10000, 1000, false)");
    assert_int_equal(
        fake_db_run(db, "UPDATE sluice.sluice_slots SET member = 0x6f6e650078 WHERE slot = 3"), 1);
    host_init(&host, db, "two");
    host_start(&host);
    host_run(&host, 60 * SECOND_US);
    assert_int_equal(host_led(&host, any_topic, 128), 128);
    assert_int_equal(
        fake_db_number(db, "SELECT closed FROM sluice.sluice_members WHERE member = 0x6f6e650078"),
        1);
    assert_int_equal(
        fake_db_number(db, "SELECT closed FROM sluice.sluice_members WHERE member = 'one'"), 0);
    host_kill(&host);
    fake_db_free(db);
}

static void claims_lost_in_every_way_end_with_one_leader(void **state)
{
    (void)state;
    static const enum fake_fault faults[] = {FAULT_LOSE_REQUEST, FAULT_LOSE_ANSWER, FAULT_LATE,
                                             FAULT_CAS_TIMEOUT};
    for (size_t i = 0; i < 4; i++) {
        struct fake_db *db = fake_db_new();
        struct host first, second;
        host_up(&first, db, "one");
        host_init(&second, db, "one");
        host_follow(&second, &first);
        host_kill(&first);
        fake_db_fault(db, "UPDATE \"sluice\".sluice_slots", faults[i], 20);
        host_start(&second);
        host_run(&second, 20 * SECOND_US);
        fake_db_execute_late(db);
        host_run(&second, 20 * SECOND_US);
        assert_int_equal(host_led(&second, any_topic, 128), 128);
        assert_int_equal(fake_db_run(db, "SELECT slot FROM sluice.sluice_slots WHERE epoch = 2"),
                         128);
        host_kill(&second);
        fake_db_free(db);
    }
}

/*
 * "two" knows "one" as closed and has claims under way whose fate is unknown; "one" comes back and
 * claims its slots again. What "two" then reads of them is newer than what it knows of "one": it
 * must look at the members first.
 */
static void a_member_that_came_back_is_not_robbed_by_old_knowledge(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host former, one, two;
    struct host *const both[] = {&one, &two};
    host_up(&former, db, "one");
    host_init(&one, db, "one");
    host_init(&two, db, "two");
    host_stop(&former);
    fake_db_fault(db, "UPDATE \"sluice\".sluice_slots", FAULT_LOSE_REQUEST, 4);
    host_start(&two);
    host_run(&two, 300 * MS_US);
    host_follow(&one, &two);
    host_start(&one);
    host_run(&one, 300 * MS_US);
    host_run(&two, 300 * MS_US);
    assert_int_equal(host_led(&one, any_topic, 128), 128);
    fake_db_fault(db, "SELECT member, incarnation", FAULT_LOSE_REQUEST, 1000);
    for (int i = 0; i < 200; i++) {
        hosts_run(both, 2, 100 * MS_US);
        for (int partition = 0; partition < 128; partition++)
            assert_false(control_leads(one.control, any_topic, partition, one.net.now) &&
                         control_leads(two.control, any_topic, partition, two.net.now));
    }
    assert_int_equal(host_led(&one, any_topic, 128), 128);
    host_kill(&one);
    host_kill(&two);
    fake_db_free(db);
}

static void a_slot_keeps_the_greatest_c_that_it_ever_had(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host first, second;
    char text[120];
    host_up(&first, db, "one");
    int64_t above_us = control_ceiling_us(first.control) + 60 * SECOND_US;
    host_init(&second, db, "one");
    host_follow(&second, &first);
    host_kill(&first);
    (void)snprintf(text, sizeof(text),
                   "UPDATE sluice.sluice_slots SET sealed_below = %lld WHERE slot = %d",
                   (long long)above_us, 5);
    (void)fake_db_run(db, text);
    host_start(&second);
    host_run(&second, 5 * SECOND_US);
    assert_int_equal(host_led(&second, any_topic, 128), 128);
    assert_int_equal(
        fake_db_number(db, "SELECT sealed_below FROM sluice.sluice_slots WHERE slot = 5"),
        above_us);
    assert_true(control_ceiling_us(second.control) > above_us);
    host_kill(&second);
    fake_db_free(db);
}

/* The row after a lost claim names us, but in an epoch that we did not ask for: that was a former
 * life. */
static void only_the_claim_that_was_asked_for_counts(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host first, second;
    char text[160];
    host_up(&first, db, "one");
    int64_t c_us = control_ceiling_us(first.control);
    host_init(&second, db, "one");
    host_follow(&second, &first);
    host_kill(&first);
    fake_db_fault(db, "UPDATE \"sluice\".sluice_slots", FAULT_LOSE_REQUEST, 4);
    host_start(&second);
    host_run(&second, SECOND_US);
    for (int slot = 0; slot < 128; slot++) {
        (void)snprintf(
            text, sizeof(text),
            "UPDATE sluice.sluice_slots SET epoch = 9, sealed_below = %lld WHERE slot = %d",
            (long long)c_us, slot);
        (void)fake_db_run(db, text);
    }
    host_run(&second, 20 * SECOND_US);
    assert_int_equal(host_led(&second, any_topic, 128), 128);
    for (int i = 0; i < 128; i++)
        assert_int_equal(control_leader_epoch(second.control, any_topic, i), 10);
    host_kill(&second);
    fake_db_free(db);
}

static void two_that_start_together_share_without_overlap(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host first, second;
    struct host *const both[] = {&first, &second};
    host_init(&first, db, "one");
    host_init(&second, db, "two");
    host_start(&first);
    host_start(&second);
    hosts_run(both, 2, 30 * SECOND_US);
    assert_true(first.ready && second.ready);
    for (int i = 0; i < 128; i++) {
        int leaders = control_leads(first.control, any_topic, i, first.net.now) +
                      control_leads(second.control, any_topic, i, second.net.now);
        assert_int_equal(leaders, 1);
    }
    assert_string_equal(control_cluster_id(first.control), control_cluster_id(second.control));
    host_kill(&first);
    host_kill(&second);
    fake_db_free(db);
}

static void slots_of_a_member_whose_row_was_removed_are_taken_with_a_safe_c(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host first, second;
    host_up(&first, db, "one");
    int64_t c_us = control_ceiling_us(first.control);
    host_init(&second, db, "two");
    host_follow(&second, &first);
    host_kill(&first);
    (void)fake_db_run(db, "DELETE FROM sluice.sluice_members WHERE member = 'one'");
    host_start(&second);
    host_run(&second, 8 * SECOND_US);
    assert_int_equal(host_led(&second, any_topic, 128), 0);
    host_run(&second, 10 * SECOND_US);
    assert_int_equal(host_led(&second, any_topic, 128), 128);
    assert_true(control_sealed_below_us(second.control, any_topic, 0) > c_us);
    assert_true(control_ceiling_us(second.control) >
                control_sealed_below_us(second.control, any_topic, 0));
    host_kill(&second);
    fake_db_free(db);
}

static void a_slot_whose_row_cannot_be_right_is_left_alone_and_named(void **state)
{
    (void)state;
    static const char *const wrong[] = {"epoch = 2147483647", "sealed_below = 9223372036854775807",
                                        "sealed_below = -9223372036854775807"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct fake_db *db = fake_db_new();
        struct host first, second;
        char text[120];
        host_up(&first, db, "one");
        host_init(&second, db, "one");
        host_follow(&second, &first);
        host_kill(&first);
        (void)snprintf(text, sizeof(text), "UPDATE sluice.sluice_slots SET %s WHERE slot = 5",
                       wrong[i]);
        (void)fake_db_run(db, text);
        host_start(&second);
        host_run(&second, 5 * SECOND_US);
        assert_int_equal(host_led(&second, any_topic, 128), 127);
        assert_in_range(fake_net_logged(&second.net, "row of sluice_slots not understood slot=5"),
                        1, 3);
        host_kill(&second);
        fake_db_free(db);
    }
}

static void a_member_whose_row_is_removed_is_over(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host host;
    host_up(&host, db, "one");
    (void)fake_db_run(db, "DELETE FROM sluice.sluice_members WHERE member = 'one'");
    host_run(&host, 5 * SECOND_US);
    assert_int_equal(host.fatal_code, 1);
    assert_int_equal(host_led(&host, any_topic, 1), 0);
    host_kill(&host);
    fake_db_free(db);
}

/* Its claim timed out, was read back as not done, and was applied after that. */
static void a_slot_that_is_ours_after_all_is_found_and_led(void **state)
{
    (void)state;
    struct fake_db *db = fake_db_new();
    struct host first, second;
    struct host *const both[] = {&first, &second};
    host_up(&first, db, "one");
    host_init(&second, db, "two");
    host_start(&second);
    hosts_run(both, 2, 5 * SECOND_US);
    assert_int_equal(host_led(&second, any_topic, 128), 0);
    (void)fake_db_run(db, "UPDATE sluice.sluice_slots SET member = 'two', epoch = 2 WHERE slot = 5");
    hosts_run(both, 2, 40 * SECOND_US);
    assert_int_equal(host_led(&second, any_topic, 128), 1);
    assert_int_equal(fake_db_run(db, "SELECT slot FROM sluice.sluice_slots WHERE epoch = 3"), 1);
    host_kill(&second);
    host_kill(&first);
    fake_db_free(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slot_that_is_ours_after_all_is_found_and_led),
        cmocka_unit_test(the_lease_is_renewed_and_the_ceiling_grows_with_it),
        cmocka_unit_test(a_lease_that_cannot_be_renewed_ends_and_is_held_again),
        cmocka_unit_test(the_lease_counts_from_before_the_renewal_was_sent),
        cmocka_unit_test(a_jump_of_the_wall_clock_ends_the_lease_early),
        cmocka_unit_test(a_freeze_that_a_step_back_of_the_wall_clock_hides_ends_the_lease),
        cmocka_unit_test(a_lease_that_has_ended_comes_back_by_a_renewal_only),
        cmocka_unit_test(the_ceiling_never_falls_when_the_wall_clock_steps_back),
        cmocka_unit_test(a_late_renewal_does_not_lower_the_ceiling),
        cmocka_unit_test(renewals_get_lost_in_every_way_and_the_lease_stays),
        cmocka_unit_test(a_killed_predecessor_on_this_host_is_taken_over_at_once),
        cmocka_unit_test(restarts_in_quick_succession_each_get_a_higher_ceiling),
        cmocka_unit_test(the_same_name_from_another_boot_waits_for_the_lease),
        cmocka_unit_test(a_predecessor_that_is_not_provably_gone_waits_for_the_lease),
        cmocka_unit_test(the_same_name_alive_elsewhere_is_never_taken_over),
        cmocka_unit_test(after_a_clean_stop_nobody_waits),
        cmocka_unit_test(a_release_is_settled_whatever_gets_lost),
        cmocka_unit_test(a_release_without_a_database_ends_at_its_deadline),
        cmocka_unit_test(a_release_before_joining_ends_at_once),
        cmocka_unit_test(a_clean_restart_takes_the_own_row_again),
        cmocka_unit_test(what_a_dead_process_left_under_way_changes_nothing),
        cmocka_unit_test(a_live_member_keeps_its_slots),
        cmocka_unit_test(a_silent_member_is_fenced_after_its_lease_and_its_slots_change_hands),
        cmocka_unit_test(a_member_whose_name_has_a_nul_is_itself_and_no_other),
        cmocka_unit_test(claims_lost_in_every_way_end_with_one_leader),
        cmocka_unit_test(a_member_that_came_back_is_not_robbed_by_old_knowledge),
        cmocka_unit_test(a_slot_keeps_the_greatest_c_that_it_ever_had),
        cmocka_unit_test(only_the_claim_that_was_asked_for_counts),
        cmocka_unit_test(two_that_start_together_share_without_overlap),
        cmocka_unit_test(slots_of_a_member_whose_row_was_removed_are_taken_with_a_safe_c),
        cmocka_unit_test(a_slot_whose_row_cannot_be_right_is_left_alone_and_named),
        cmocka_unit_test(a_member_whose_row_is_removed_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
