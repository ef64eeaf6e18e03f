/*
 * Two queues, and an order between them.
 *
 *   in    | current |  frames not yet looked at  ... tail of a frame |  room  |
 *         the frame whose body was lent last; consumed by the next call
 *
 *   places  head ................ next      a ring: request_id is the position, head <= id < next
 *           |waits| kept | none | waits |
 *
 *   out   | bytes to send |                 the answers of all places before head
 *
 * Who answers the place at head writes straight into `out`; whoever is early writes into the
 * place's own buf, which moves to `out` when its turn comes.
 *
 * Memory: the room offered for a read follows what recent reads filled, from READ_LEAST up to
 * read_bytes, by doubling, or within a frame the bytes already held of it, so a length prefix alone
 * buys nothing. A drained buffer above KEPT_BYTES is freed, so idle connections hold next to
 * nothing.
 */
#include "kafka/connection.h"

#include <assert.h>
#include <stdio.h>

#include "kafka/api_versions.h"
#include "kafka/error.h"
#include "kafka/header.h"
#include "proto/endian.h"

enum {
    READ_LEAST = 2048,  /* the first room that is offered: a handshake fits */
    KEPT_BYTES = 2048,  /* a drained buffer of this size is not worth freeing */
    ARENA_CHUNK = 1024, /* what a usual Produce request decodes into */
    FIRST_PLACES = 8,
};

enum place_state {
    PLACE_WAITS, /* for its response */
    PLACE_DONE,  /* the response is in `out`, in `frame` until its turn, or has no bytes */
    PLACE_LOST,  /* memory ran out: nothing may leave after it */
};

struct place {
    const struct kafka_api *api;
    enum place_state state;
    int16_t version;
    int32_t correlation_id;
    struct buf frame;
};

struct kafka_connection {
    const struct alloc *alloc;
    struct kafka_connection_limits limits;
    struct arena arena; /* of the request that was lent last */

    struct buf in;
    size_t current;     /* bytes at the front of `in` that are lent with the last event */
    size_t read_offer;  /* how much room recent reads made use of */
    size_t read_room;   /* what was offered last */
    size_t chunk_bytes; /* of the latest read, and when it came */
    int64_t chunk_us;
    int64_t first_byte_us; /* of the frame at the front of the unread bytes */

    struct buf out;
    struct place *places; /* `capacity` of them, a power of two; NULL while idle and never used */
    size_t capacity;
    uint64_t head;
    uint64_t next;
    size_t kept_bytes; /* in the places' own bufs */

    bool greeted; /* a request was understood: it is a Kafka client, larger frames are fine */
    bool closed;  /* CLOSE was yielded */
};

struct kafka_connection *kafka_connection_new(const struct alloc *alloc,
                                              const struct kafka_connection_limits *limits)
{
    struct kafka_connection *c = alloc_zeroed(alloc, sizeof(*c));

    if (c == NULL)
        return NULL;
    assert(limits->max_pending > 0 && limits->max_frame_bytes <= INT32_MAX);
    c->alloc = alloc;
    c->limits = *limits;
    if (c->limits.read_bytes < READ_LEAST)
        c->limits.read_bytes = READ_LEAST;
    c->read_offer = READ_LEAST;
    c->head = 1;
    c->next = 1;
    arena_init(&c->arena, alloc, ARENA_CHUNK, limits->arena_bytes);
    /* A frame, and a read that brings the beginning of others behind it. */
    buf_init(&c->in, alloc, KAFKA_SIZE_BYTES + limits->max_frame_bytes + 2 * c->limits.read_bytes);
    buf_init(&c->out, alloc, SIZE_MAX);
    return c;
}

void kafka_connection_free(struct kafka_connection *c)
{
    if (c == NULL)
        return;
    for (uint64_t id = c->head; id < c->next; id++)
        buf_deinit(&c->places[id & (c->capacity - 1)].frame);
    alloc_free(c->alloc, c->places, c->capacity * sizeof(*c->places));
    arena_deinit(&c->arena);
    buf_deinit(&c->in);
    buf_deinit(&c->out);
    alloc_free(c->alloc, c, sizeof(*c));
}

static void drained(struct buf *buf)
{
    if (buf_len(buf) == 0 && buf->capacity > KEPT_BYTES)
        buf_deinit(buf);
}

/* ---- places: the order of responses ---- */

static struct place *place_at(const struct kafka_connection *c, uint64_t id)
{
    return &c->places[id & (c->capacity - 1)];
}

MUST_CHECK static int places_grow(struct kafka_connection *c)
{
    size_t capacity = c->capacity == 0 ? FIRST_PLACES : c->capacity * 2;
    struct place *places = alloc_array(c->alloc, capacity, sizeof(*places));

    if (places == NULL)
        return STATUS_NOMEM;
    for (uint64_t id = c->head; id < c->next; id++)
        places[id & (capacity - 1)] = *place_at(c, id);
    alloc_free(c->alloc, c->places, c->capacity * sizeof(*places));
    c->places = places;
    c->capacity = capacity;
    return STATUS_OK;
}

/* The next place, which waits for its response; NULL when out of memory. */
static struct place *place_push(struct kafka_connection *c, const struct kafka_api *api,
                                int16_t version, int32_t correlation_id)
{
    if (c->next - c->head == c->capacity && places_grow(c) != STATUS_OK)
        return NULL;
    struct place *place = place_at(c, c->next++);
    *place = (struct place){
        .api = api, .state = PLACE_WAITS, .version = version, .correlation_id = correlation_id};
    buf_init(&place->frame, c->alloc, SIZE_MAX);
    return place;
}

/*
 * Lets everything leave whose turn has come. When there is no memory to append, the rest stays in
 * its places until `out` is sent; then it moves without any.
 */
static void places_flush(struct kafka_connection *c)
{
    while (c->head < c->next) {
        struct place *place = place_at(c, c->head);
        if (place->state != PLACE_DONE)
            break;
        size_t kept = place->frame.capacity;
        if (kept > 0 && buf_len(&c->out) == 0)
            buf_move(&c->out, &place->frame);
        else if (buf_append(&c->out, buf_unread(&place->frame)) != STATUS_OK)
            break;
        buf_deinit(&place->frame);
        c->kept_bytes -= kept;
        c->head++;
    }
    if (c->head == c->next && c->capacity > FIRST_PLACES) {
        alloc_free(c->alloc, c->places, c->capacity * sizeof(*c->places));
        c->places = NULL;
        c->capacity = 0;
    }
}

static struct place *place_waiting(const struct kafka_connection *c, uint64_t request_id)
{
    assert(request_id >= c->head && request_id < c->next);
    struct place *place = place_at(c, request_id);
    assert(place->state == PLACE_WAITS);
    return place;
}

int kafka_connection_respond(struct kafka_connection *c, uint64_t request_id, const void *body)
{
    struct place *place = place_waiting(c, request_id);
    bool turn = request_id == c->head;
    int rc = kafka_response_encode(turn ? &c->out : &place->frame, place->api, place->version,
                                   place->correlation_id, body);

    if (rc != STATUS_OK) {
        place->state = PLACE_LOST;
        buf_deinit(&place->frame);
        return rc;
    }
    c->kept_bytes += place->frame.capacity;
    place->state = PLACE_DONE;
    if (turn)
        places_flush(c);
    return STATUS_OK;
}

void kafka_connection_respond_nothing(struct kafka_connection *c, uint64_t request_id)
{
    place_waiting(c, request_id)->state = PLACE_DONE;
    if (request_id == c->head)
        places_flush(c);
}

struct slice kafka_connection_output(const struct kafka_connection *c)
{
    return buf_unread(&c->out);
}

void kafka_connection_sent(struct kafka_connection *c, size_t bytes)
{
    buf_consume(&c->out, bytes);
    if (buf_len(&c->out) == 0)
        places_flush(c);
    drained(&c->out);
}

/* ---- bytes in ---- */

/* Unread bytes behind the frame that is lent. */
static struct slice unread(const struct kafka_connection *c)
{
    struct slice bytes = buf_unread(&c->in);
    return slice_make(bytes.data + c->current, bytes.len - c->current);
}

/* Ends the loan of the last event: its frame and its decoded arrays go. */
static void current_release(struct kafka_connection *c)
{
    if (c->current == 0)
        return;
    buf_consume(&c->in, c->current);
    c->current = 0;
    arena_reset(&c->arena);
    /* What is left came with the latest read, unless frames were held back by max_pending: those
     * keep the older time. */
    if (buf_len(&c->in) <= c->chunk_bytes)
        c->first_byte_us = c->chunk_us;
}

/* Bytes of the frame at the front that are not here yet; 0: unknown, or it is complete. */
static size_t frame_missing(struct slice bytes)
{
    if (bytes.len < KAFKA_SIZE_BYTES)
        return 0;
    size_t frame = KAFKA_SIZE_BYTES + (size_t)be32_load(bytes.data);
    return frame > bytes.len ? frame - bytes.len : 0;
}

static size_t read_room_wanted(const struct kafka_connection *c)
{
    size_t held = buf_len(&c->in);
    size_t missing = frame_missing(buf_unread(&c->in));
    size_t doubled = missing < held ? missing : held;

    return doubled > c->read_offer ? doubled : c->read_offer;
}

/* A buffer that one large frame left behind gives its memory back when little is left in it. */
static void in_shrink(struct kafka_connection *c, size_t wanted)
{
    size_t needed = buf_len(&c->in) + wanted;
    struct buf smaller;

    if (c->in.capacity <= 2 * c->limits.read_bytes || needed > c->in.capacity / 4)
        return;
    buf_init(&smaller, c->alloc, c->in.limit);
    if (buf_reserve(&smaller, needed) == STATUS_OK &&
        buf_append(&smaller, buf_unread(&c->in)) == STATUS_OK)
        buf_move(&c->in, &smaller);
    else
        buf_deinit(&smaller);
}

uint8_t *kafka_connection_space(struct kafka_connection *c, size_t *room)
{
    current_release(c);
    if (buf_room(&c->in) < c->read_offer) {
        size_t wanted = read_room_wanted(c);
        in_shrink(c, wanted);
        int rc = buf_reserve(&c->in, wanted);
        if (rc == STATUS_LIMIT) /* frames wait for responses: what is left has to do */
            rc = buf_reserve(&c->in, 1);
        if (rc != STATUS_OK) {
            *room = 0;
            return NULL;
        }
    }
    *room = buf_room(&c->in);
    c->read_room = *room;
    return buf_tail(&c->in);
}

/* The offer doubles when a read filled what it was given, and halves when it used little. */
static void read_offer_adapt(struct kafka_connection *c, size_t bytes)
{
    if (bytes == c->read_room && bytes >= c->read_offer)
        c->read_offer *= 2;
    else if (bytes < c->read_offer / 4)
        c->read_offer /= 2;
    if (c->read_offer > c->limits.read_bytes)
        c->read_offer = c->limits.read_bytes;
    if (c->read_offer < READ_LEAST)
        c->read_offer = READ_LEAST;
}

void kafka_connection_received(struct kafka_connection *c, size_t bytes, int64_t now_us)
{
    assert(c->current == 0);
    if (bytes == 0 || c->closed)
        return;
    if (buf_len(&c->in) == 0)
        c->first_byte_us = now_us;
    c->chunk_bytes = bytes;
    c->chunk_us = now_us;
    buf_wrote(&c->in, bytes);
    read_offer_adapt(c, bytes);
}

/* ---- frames to events ---- */

static bool close_with(struct kafka_connection *c, struct kafka_event *event, const char *reason)
{
    c->closed = true;
    c->current = 0;
    event->kind = KAFKA_EVENT_CLOSE;
    event->reason = reason;
    buf_deinit(&c->in);
    arena_deinit(&c->arena);
    return true;
}

/* Names the usual strangers at the door by their first four bytes; NULL: may be Kafka. */
static const char *stranger(const uint8_t *first)
{
    if (first[0] == 0x16 && first[1] == 0x03)
        return "TLS on a plain port";
    if (first[0] == 0x15 && first[1] == 0x03)
        return "a TLS alert on a plain port";
    static const struct {
        char first[4];
        const char *reason;
    } others[] = {
        {"GET ", "an HTTP request"}, {"POST", "an HTTP request"},   {"PUT ", "an HTTP request"},
        {"HEAD", "an HTTP request"}, {"PRI ", "an HTTP/2 request"}, {"SSH-", "an SSH client"},
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (memcmp(first, others[i].first, sizeof(others[i].first)) == 0)
            return others[i].reason;
    }
    return NULL;
}

/* NULL when the size may stand; otherwise why not. */
static const char *size_refused(const struct kafka_connection *c, const uint8_t *first,
                                struct kafka_event *event)
{
    uint32_t size = be32_load(first);
    size_t limit = c->greeted ? c->limits.max_frame_bytes : c->limits.max_first_frame_bytes;
    const char *reason = c->greeted ? NULL : stranger(first);

    if (reason != NULL)
        return reason;
    if (size > INT32_MAX)
        reason = "frame length is negative";
    else if (size < KAFKA_FIXED_HEADER_BYTES)
        reason = "frame is shorter than a request header";
    else if (size > limit)
        reason = c->greeted ? "frame is too long" : "first frame is too long";
    if (reason != NULL)
        snprintf(event->detail, sizeof(event->detail), "length %ld, limit %zu", (long)(int32_t)size,
                 limit);
    return reason;
}

static const char *decode_refused(int status)
{
    switch (status) {
    case STATUS_TRUNCATED:
        return "request ends too early";
    case STATUS_LIMIT:
        return "request is beyond a limit";
    case STATUS_NOMEM:
        return "out of memory for a request";
    default:
        return "request is malformed";
    }
}

/* The struct of the request, decoded; NULL: CLOSE was filled in. */
static const void *body_decode(struct kafka_connection *c, struct slice frame,
                               const struct kafka_api *api, struct kafka_request_header *header,
                               struct kafka_event *event)
{
    void *body = arena_take(&c->arena, api->request_bytes);
    struct kafka_decode_error failed = {"body", 0};
    int rc = STATUS_NOMEM;

    if (body != NULL)
        rc = kafka_request_decode(frame, &c->arena, header, body, &failed);
    if (rc == STATUS_OK)
        return body;
    snprintf(event->detail, sizeof(event->detail), "%s v%d, field %s at byte %zu", api->name,
             event->version, failed.field, failed.offset);
    close_with(c, event, decode_refused(rc));
    return NULL;
}

/* KIP-511: a client that is newer than we are learns what we speak, in the oldest form. False:
 * NOMEM. */
MUST_CHECK static bool api_versions_fallback(struct kafka_connection *c,
                                             const struct kafka_api *api, int32_t correlation_id)
{
    struct kafka_api_version key = {api->key, api->min_version, api->max_version};
    struct kafka_api_versions_response response = KAFKA_API_VERSIONS_RESPONSE_DEFAULT;
    uint64_t id = c->next;

    response.error_code = KAFKA_UNSUPPORTED_VERSION;
    response.api_keys = &key;
    response.api_key_count = 1;
    if (place_push(c, api, 0, correlation_id) == NULL)
        return false;
    return kafka_connection_respond(c, id, &response) == STATUS_OK;
}

/* One complete frame. False: it was answered here, look at the next one. */
static bool frame_event(struct kafka_connection *c, struct slice frame, struct kafka_event *event)
{
    int16_t key = (int16_t)be16_load(frame.data);
    const struct kafka_api *api = kafka_api_find(key);
    struct kafka_request_header header;

    event->api = api;
    event->version = (int16_t)be16_load(frame.data + 2);
    event->correlation_id = (int32_t)be32_load(frame.data + 4);
    if (api == NULL || !api->served) {
        snprintf(event->detail, sizeof(event->detail), "key %d, version %d", key, event->version);
        return close_with(c, event, "unknown API key");
    }
    if (event->version < api->min_version || event->version > api->max_version) {
        if (key == KAFKA_API_VERSIONS && api_versions_fallback(c, api, event->correlation_id))
            return false;
        snprintf(event->detail, sizeof(event->detail), "%s version %d, served are %d to %d",
                 api->name, event->version, api->min_version, api->max_version);
        return close_with(c, event, "unsupported API version");
    }
    event->body = body_decode(c, frame, api, &header, event);
    if (event->body == NULL)
        return true;
    event->request_id = c->next;
    if (place_push(c, api, event->version, event->correlation_id) == NULL)
        return close_with(c, event, decode_refused(STATUS_NOMEM));
    event->kind = KAFKA_EVENT_REQUEST;
    event->client_id = header.client_id;
    event->frame_bytes = KAFKA_SIZE_BYTES + frame.len;
    event->first_byte_us = c->first_byte_us;
    return true;
}

bool kafka_connection_next(struct kafka_connection *c, struct kafka_event *event)
{
    current_release(c);
    while (!c->closed && c->next - c->head < c->limits.max_pending) {
        struct slice bytes = unread(c);
        if (bytes.len < KAFKA_SIZE_BYTES)
            break;
        *event = (struct kafka_event){.kind = KAFKA_EVENT_CLOSE};
        const char *refused = size_refused(c, bytes.data, event);
        if (refused != NULL)
            return close_with(c, event, refused);
        size_t size = be32_load(bytes.data);
        if (bytes.len - KAFKA_SIZE_BYTES < size)
            break;
        c->current = KAFKA_SIZE_BYTES + size;
        bool yielded = frame_event(c, slice_make(bytes.data + KAFKA_SIZE_BYTES, size), event);
        c->greeted = true;
        if (yielded)
            return true;
        current_release(c);
    }
    drained(&c->in);
    return false;
}

/* ---- what the driver asks ---- */

size_t kafka_connection_held_bytes(const struct kafka_connection *c)
{
    return c->in.capacity + c->out.capacity + c->kept_bytes;
}

size_t kafka_connection_pending(const struct kafka_connection *c)
{
    return (size_t)(c->next - c->head);
}

bool kafka_connection_mid_frame(const struct kafka_connection *c)
{
    struct slice bytes = unread(c);

    return bytes.len > 0 && (bytes.len < KAFKA_SIZE_BYTES || frame_missing(bytes) > 0);
}

int64_t kafka_connection_frame_since_us(const struct kafka_connection *c)
{
    if (!kafka_connection_mid_frame(c))
        return 0;
    return c->current > 0 && unread(c).len <= c->chunk_bytes ? c->chunk_us : c->first_byte_us;
}
