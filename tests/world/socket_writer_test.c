/* Output leaves in order and whole, however little the kernel takes at a time. */
#include "socket_writer.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define OUTPUT_BYTES ((size_t)3 * 1024 * 1024)
#define SLICE_BYTES  ((size_t)70 * 1000)

/* One end is a stream of libuv with the writer on it, the other a plain descriptor. */
struct fixture {
    uv_loop_t loop;
    uv_pipe_t stream;
    struct socket_writer writer;
    int peer;
    uint8_t *output;
    size_t sent;
    int drained;
    int last_status;
};

/* Offers what is left, as up to 64 slices, until the writer is busy; the memory is spoiled after
 * each call, for nobody may look at it any more. */
static void push_rest(struct fixture *f)
{
    while (!socket_writer_busy(&f->writer) && f->sent < OUTPUT_BYTES) {
        struct slice slices[WRITER_MAX_SLICES];
        uint8_t *copy = malloc(OUTPUT_BYTES - f->sent);
        size_t count = 0, at = 0;
        assert_non_null(copy);
        memcpy(copy, f->output + f->sent, OUTPUT_BYTES - f->sent);
        while (at < OUTPUT_BYTES - f->sent && count < WRITER_MAX_SLICES) {
            size_t len = OUTPUT_BYTES - f->sent - at;
            slices[count++] = slice_make(copy + at, len < SLICE_BYTES ? len : SLICE_BYTES);
            at += slices[count - 1].len;
        }
        ssize_t taken = socket_writer_push(&f->writer, slices, count);
        free(copy);
        assert_true(taken > 0);
        f->sent += (size_t)taken;
    }
}

static void on_drained(void *context, int status)
{
    struct fixture *f = context;
    f->drained++;
    f->last_status = status;
    if (status == 0)
        push_rest(f);
}

static struct fixture *open_fixture(void)
{
    struct fixture *f = calloc(1, sizeof(*f));
    int ends[2];
    assert_non_null(f);
    f->output = malloc(OUTPUT_BYTES);
    assert_non_null(f->output);
    for (size_t i = 0; i < OUTPUT_BYTES; i++)
        f->output[i] = (uint8_t)(i * 31 + i / 251);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    assert_int_equal(uv_pipe_init(&f->loop, &f->stream, 0), 0);
    assert_int_equal(uv_pipe_open(&f->stream, ends[0]), 0);
    f->peer = ends[1];
    socket_writer_init(&f->writer, (uv_stream_t *)&f->stream, on_drained, f);
    return f;
}

static void close_fixture(struct fixture *f)
{
    if (!uv_is_closing((uv_handle_t *)&f->stream))
        uv_close((uv_handle_t *)&f->stream, NULL);
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    if (f->peer >= 0)
        (void)close(f->peer);
    free(f->output);
    free(f);
}

static void what_the_kernel_takes_at_once_needs_no_callback(void **state)
{
    (void)state;
    struct fixture *f = open_fixture();
    char got[16];
    struct slice slices[] = {SLICE_LITERAL("one "), SLICE_LITERAL(""), SLICE_LITERAL("two")};
    assert_int_equal(socket_writer_push(&f->writer, slices, 3), 7);
    assert_false(socket_writer_busy(&f->writer));
    assert_int_equal(socket_writer_push(&f->writer, slices, 0), 0);
    assert_int_equal(read(f->peer, got, sizeof(got)), 7);
    assert_memory_equal(got, "one two", 7);
    assert_int_equal(f->drained, 0);
    close_fixture(f);
}

static void a_slow_reader_gets_every_byte_in_order(void **state)
{
    (void)state;
    struct fixture *f = open_fixture();
    uint8_t *got = malloc(OUTPUT_BYTES);
    size_t len = 0;
    assert_non_null(got);
    push_rest(f);
    assert_true(socket_writer_busy(&f->writer));
    while (len < OUTPUT_BYTES) {
        size_t want = OUTPUT_BYTES - len < 50000 ? OUTPUT_BYTES - len : 50000;
        ssize_t n = read(f->peer, got + len, want);
        if (n > 0)
            len += (size_t)n;
        (void)uv_run(&f->loop, UV_RUN_NOWAIT);
    }
    assert_memory_equal(got, f->output, OUTPUT_BYTES);
    assert_true(f->drained > 0);
    assert_false(socket_writer_busy(&f->writer));
    free(got);
    close_fixture(f);
}

static void a_lost_peer_is_an_error_and_not_a_signal(void **state)
{
    (void)state;
    struct fixture *f = open_fixture();
    struct slice slice = SLICE_LITERAL("x");
    (void)signal(SIGPIPE, SIG_IGN);
    (void)close(f->peer);
    f->peer = -1;
    assert_int_equal(socket_writer_push(&f->writer, &slice, 1), UV_EPIPE);
    assert_false(socket_writer_busy(&f->writer));
    close_fixture(f);
}

static void closing_the_stream_gives_the_piece_back(void **state)
{
    (void)state;
    struct fixture *f = open_fixture();
    push_rest(f);
    assert_true(socket_writer_busy(&f->writer));
    uv_close((uv_handle_t *)&f->stream, NULL);
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->last_status, UV_ECANCELED);
    assert_false(socket_writer_busy(&f->writer));
    close_fixture(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_kernel_takes_at_once_needs_no_callback),
        cmocka_unit_test(a_slow_reader_gets_every_byte_in_order),
        cmocka_unit_test(a_lost_peer_is_an_error_and_not_a_signal),
        cmocka_unit_test(closing_the_stream_gives_the_piece_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
