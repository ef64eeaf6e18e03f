"""Seeded bugs: each is one change of the production code that must break an invariant.

(name, what it is, file, text as it is, text as it becomes, and perhaps a second file ...). The text
must be in the file exactly once; `run-mutants --check` says when it no longer is.
"""

CORE = "proxy/core/"

MUTANTS = [
    ("ack_before_quorum", "a write is acknowledged when one replica has it", CORE + "engine/mutation.c",
     "gateway->config->consistency, timestamp_us) < 0)",
     "CQL_CONSISTENCY_ONE, timestamp_us) < 0)"),
    ("no_lease_check_before_ack", "acknowledged whether or not the lease runs",
     CORE + "engine/partition.c",
     "if (mutation->state != MUTATION_DURABLE || !gateway_leads(partition, now))",
     "if (mutation->state != MUTATION_DURABLE)"),
    ("ack_out_of_order", "acknowledged when durable, whatever is below", CORE + "engine/mutation.c",
     "    gateway_partition_ready(partition);\n    partition_acknowledge(partition, now);",
     "    gateway_partition_ready(partition);\n"
     "    while (!list_empty(&mutation->batches)) {\n"
     "        struct batch *batch = LIST_ENTRY(mutation->batches.next, struct batch, node);\n"
     "        batch_resolve(partition->gateway, batch, 0, batch->first_offset, NULL, now);\n"
     "    }\n"
     "    partition_acknowledge(partition, now);"),
    ("window_of_four", "only four batches of a producer are known",
     CORE + "engine/producer_state.h", "#define PRODUCER_WINDOW       5",
     "#define PRODUCER_WINDOW       4"),
    ("six_for_a_batch_under_way", "6 at the deadline, though the write goes on",
     CORE + "engine/produce.c", "produce_resolve(entry, KAFKA_REQUEST_TIMED_OUT, -1, now);",
     "produce_resolve(entry, KAFKA_NOT_LEADER_OR_FOLLOWER, -1, now);"),
    ("duplicate_not_joined", "a retry is acknowledged while the first attempt is under way",
     CORE + "engine/append.c", "if (first_offset >= partition->stable) {",
     "if (first_offset < 0) {"),
    ("first_sequence_blind", "any first sequence is accepted at once (KAFKA-15591)",
     CORE + "engine/producer_state.c",
     "        if (claim->first_sequence == 0)\n            return PRODUCER_ACCEPT;\n",
     "        if (claim->first_sequence == 0 || producer->count == 0)\n"
     "            return PRODUCER_ACCEPT;\n"),
    ("gap_accepted", "a sequence gap is accepted", CORE + "engine/producer_state.c",
     "        return PRODUCER_BLOCKED;\n    }\n    return PRODUCER_GAP;",
     "        return PRODUCER_BLOCKED;\n    }\n    return PRODUCER_ACCEPT;"),
    ("old_epoch_accepted", "an older epoch is accepted as a new one",
     CORE + "engine/producer_state.c", "return PRODUCER_FENCED;", "return PRODUCER_ACCEPT;"),
    ("refusal_not_remembered", "45 for what follows a batch that we refused",
     CORE + "engine/partition.c",
     "if (verdict == PRODUCER_ACCEPT || verdict == PRODUCER_FIRST || verdict == PRODUCER_BLOCKED)",
     "if (verdict == PRODUCER_FENCED)"),
    ("ceiling_not_durable", "written above the durable ceiling", CORE + "gateway.c",
     "if (timestamp_us >= control_ceiling_us(gateway->control))", "if (timestamp_us < 0)"),
    ("server_timestamps", "no timestamps of our own: the coordinator's clock decides",
     "cql/batch.c", "p[2] = FLAG_DEFAULT_TIMESTAMP;\n"
     "    be64_store(p + 3, (uint64_t)timestamp_us);\n"
     "    buf_wrote(buf, CQL_BATCH_TAIL_BYTES);",
     "(void)timestamp_us;\n    p[2] = 0 * FLAG_DEFAULT_TIMESTAMP;\n    buf_wrote(buf, 3);"),
    ("wall_clock_timestamps", "timestamps follow the wall clock, back too", CORE + "gateway.c",
     "now.wall_us > gateway->last_timestamp_us ? now.wall_us : gateway->last_timestamp_us + 1;",
     "now.wall_us;"),
    ("no_seal", "nothing is deleted from the log's end on", CORE + "engine/recovery_seal.c",
     "    if (recovery->rewritten >= recovery->end) {\n        seal_tail(recovery, now);",
     "    if (recovery->rewritten >= recovery->end) {\n        delete_next_segment(recovery, now);"),
    ("next_segment_not_sealed", "the segment above is not deleted", CORE + "engine/recovery_seal.c",
     "cql_value_i64(segment, recovery->segment + 1)};\n    char text[512];",
     "cql_value_i64(segment, recovery->segment + 1000001)};\n    char text[512];"),
    ("kept_rows_not_written_again", "the kept end of the log stays as it was found",
     CORE + "engine/recovery_seal.c", "recovery->rewritten = recovery->base;",
     "recovery->rewritten = recovery->end;"),
    ("open_ended_first_chunk", "each page deletes everything behind it", CORE + "engine/recovery_seal.c",
     "rc = put_delete(recovery, out, recovery->rewritten, last + 1);",
     "rc = put_delete(recovery, out, recovery->rewritten, INT64_MAX);"),
    ("seal_below_nothing", "the seal's timestamp is below what earlier leaders wrote",
     CORE + "engine/recovery.c",
     "recovery->seal_us = control_sealed_below_us(partition->gateway->control,\n",
     "recovery->seal_us = 1 + 0 * control_sealed_below_us(partition->gateway->control,\n"),
    ("timestamps_not_above_c", "new rows may be below the seal", CORE + "engine/recovery_seal.c",
     "    if (recovery->seal_us > gateway->last_timestamp_us)\n"
     "        gateway->last_timestamp_us =",
     "    if (recovery->seal_us < 0)\n        gateway->last_timestamp_us ="),
    ("tail_read_at_one", "recovery asks one replica", CORE + "engine/recovery.c",
     ".consistency = gateway->config->consistency,", ".consistency = CQL_CONSISTENCY_ONE,"),
    ("recovery_without_wait", "live before the seal is durable", CORE + "engine/recovery_seal.c",
     "    if (recovery->rewritten >= recovery->end) {\n        seal_tail(recovery, now);",
     "    if (recovery->rewritten >= recovery->end) {\n"
     "        seal_tail(recovery, now);\n"
     "        recovery->call = NULL;\n"
     "        segment_set(recovery->partition, recovery->segment, recovery->segment_first,\n"
     "                    recovery->segment_limit);\n"
     "        go_live(recovery, now);"),
    # Each alone is harmless: with its first row a batch is whole, or recovery sees that it is not.
    ("half_batches_kept", "the first row of a batch does not go last, and counts for all of them",
     CORE + "engine/recovery_tail.c",
     "ascending(recovery, i + (size_t)count - 1)->offset != end + count - 1)", "count < 0)",
     CORE + "engine/recovery_tail.c",
     "(size_t)count > recovery->row_count - i ||", "false ||",
     CORE + "engine/partition.c", "if (mutation->parts_missing > 0)", "if (false)"),
    ("state_from_snapshot_only", "batches after the snapshot are forgotten",
     CORE + "engine/recovery_tail.c", "if (row->record_count == 0 || row->producer_id < 0)",
     "if (row->record_count >= 0)"),
    ("stable_is_log_end", "`stable` says more than is acknowledged", CORE + "engine/append.c",
     ".stable = partition->stable,", ".stable = partition->next_offset,"),
    ("segments_far_ahead", "a segment is begun before the one below is acknowledged",
     CORE + "engine/partition.c", "if (partition->mutations.next == it)", "if (it != NULL)"),
    ("answer_without_lease", "answers from state without the lease", CORE + "engine/append.c",
     "    if (leads && partition->state == PARTITION_LIVE)\n        return append_batch",
     "    if (partition->state == PARTITION_LIVE)\n        return append_batch",
     CORE + "engine/partition.c",
     "    if (!gateway_leads(partition, now))\n        return !gateway_leads_soon",
     "    if (!gateway_leads(partition, now) && partition->state != PARTITION_LIVE)\n"
     "        return !gateway_leads_soon"),
    ("lease_from_the_reply", "the lease counts from the answer", CORE + "control/membership.c",
     "    member->ceiling_us = ceiling_us;\n    member->lease_from = member->asked;\n"
     "    tell_lease(member, now);",
     "    member->ceiling_us = ceiling_us;\n    member->lease_from = now;\n"
     "    tell_lease(member, now);"),
    ("renewal_in_doubt_counts", "a renewal without an answer is taken as done",
     CORE + "control/membership.c",
     "    case MEMBER_EXPECT_RENEWAL:\n        if (answer->kind == ANSWER_APPLIED)",
     "    case MEMBER_EXPECT_RENEWAL:\n"
     "        if (answer->kind == ANSWER_APPLIED || answer->kind == ANSWER_UNKNOWN)"),
    ("claim_in_doubt_counts", "a claim without an answer is taken as done", CORE + "control/slots.c",
     "    if (answer->kind == ANSWER_UNKNOWN) {\n"
     "        claim_expect(claim, CLAIM_EXPECT_READ, now);",
     "    if (answer->kind == ANSWER_UNKNOWN) {\n        claim_won(claim, now);"),
    ("fenced_too_early", "a member is fenced after half its lease", CORE + "control/membership.c",
     "return row->lease_us + row->lease_us / 20 + SECOND_US;", "return row->lease_us / 2;"),
    ("any_host_is_this_one", "a predecessor on another machine counts as gone",
     CORE + "control/membership.c",
     "    return config->predecessor_gone &&\n"
     '           slice_equal(row_text(answer, "boot"), slice_cstr(config->boot_id));',
     "    (void)answer;\n    return config->predecessor_gone;"),
    ("fence_unseen", "a slot is claimed from a member that is not fenced", CORE + "control/slots.c",
     "return slot->peer->row.present ? slot->peer->row.closed : lost_ceiling(slots, c_us, now);",
     "return true;"),
    ("lease_ignores_frozen_machine", "only the boot clock ends the lease", CORE + "control/membership.c",
     "           now.wall_us - member->lease_from.wall_us < lease_us;", "           true;"),
    ("timeout_is_refusal", "a write time-out is taken as definite", CORE + "cluster/retry.c",
     "    case CQL_ERROR_FUNCTION_FAILURE:\n",
     "    case CQL_ERROR_FUNCTION_FAILURE:\n    case CQL_ERROR_WRITE_TIMEOUT:\n"),
    ("unknown_code_is_refusal", "codes that nobody knows mean: refused", CORE + "cluster/retry.c",
     "    default:\n        return VERDICT_UNKNOWN;", "    default:\n        return VERDICT_REFUSED;"),
    ("stream_id_reused", "the id of a request that timed out is used again at once",
     "cql/stream.c", "return stream->taken && !stream->released ? stream : NULL;",
     "return stream;"),
    ("answers_out_of_order", "an answer leaves when it is ready", "kafka/connection.c",
     "bool turn = request_id == c->head;", "bool turn = true;"),
    ("producer_id_twice", "a block of ids is used though somebody else took it",
     CORE + "control/producer_ids.c",
     "    if (answer->kind == ANSWER_APPLIED) {\n        KILL_POINT(\"producer_ids.block_taken\");",
     "    if (!read) {\n        KILL_POINT(\"producer_ids.block_taken\");"),
    ("memory_not_given_back", "the budget of a mutation is never freed", CORE + "engine/mutation.c",
     "gateway->mutation_bytes -= mutation->charged_bytes;", ""),
    ("client_never_read_again", "a client that waited for memory is not read on",
     CORE + "gateway.c", "    if (wants != client->reading) {",
     "    if (wants != client->reading && !wants) {"),
]
