/*
 * Debian's librdkafka with its defaults but for what the arguments say. The contract is in
 * tests/e2e/producers.py.
 */
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct blob {
    unsigned char *bytes; /* NULL: null */
    size_t len;
};

static bool failed;
static size_t answered;

static void die(const char *why)
{
    fprintf(stderr, "%s\n", why);
    exit(2);
}

static struct blob blob(const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct blob out = {NULL, 0};
    uint32_t bits = 0;
    int count = 0;

    if (strcmp(text, "-") == 0)
        return out;
    out.bytes = malloc(strlen(text) + 1);
    for (; *text != '\0' && *text != '='; text++) {
        bits = bits << 6 | (uint32_t)(strchr(digits, *text) - digits);
        if (++count % 4 != 1)
            out.bytes[out.len++] = (unsigned char)(bits >> (count % 4 == 2   ? 4
                                                            : count % 4 == 3 ? 2
                                                                             : 0));
    }
    return out;
}

static void delivered(rd_kafka_t *producer, const rd_kafka_message_t *message, void *context)
{
    size_t index = (size_t)(uintptr_t)message->_private;

    (void)producer;
    (void)context;
    answered++;
    failed = failed || message->err != 0;
    if (message->err != 0)
        printf("%zu\terror\t%s\n", index, rd_kafka_err2str(message->err));
    else
        printf("%zu\t%d\t%lld\n", index, message->partition, (long long)message->offset);
}

static rd_kafka_headers_t *headers(char *text)
{
    rd_kafka_headers_t *all = rd_kafka_headers_new(8);
    char *rest = text;
    char *pair;

    while ((pair = strsep(&rest, ",")) != NULL && *pair != '\0') {
        char *value_text = strchr(pair, ':');
        *value_text++ = '\0';
        struct blob name = blob(pair);
        struct blob value = blob(value_text);
        rd_kafka_header_add(all, (char *)name.bytes, (ssize_t)name.len, value.bytes,
                            (ssize_t)value.len);
        free(name.bytes);
        free(value.bytes);
    }
    return all;
}

static void send_record(rd_kafka_t *producer, const char *topic, size_t index, char *line)
{
    char *parts[5];
    for (int i = 0; i < 5; i++)
        parts[i] = strsep(&line, "\t\n");
    struct blob key = blob(parts[2]);
    struct blob value = blob(parts[3]);
    rd_kafka_headers_t *all = headers(parts[4]);
    rd_kafka_resp_err_t error;

    while ((error = rd_kafka_producev(
                producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(atoi(parts[0])),
                RD_KAFKA_V_TIMESTAMP(atoll(parts[1])), RD_KAFKA_V_KEY(key.bytes, key.len),
                RD_KAFKA_V_VALUE(value.bytes, value.len), RD_KAFKA_V_HEADERS(all),
                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                RD_KAFKA_V_OPAQUE((void *)(uintptr_t)index), RD_KAFKA_V_END)) ==
           RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(producer, 100);
    if (error != 0)
        die(rd_kafka_err2str(error));
    free(key.bytes);
    free(value.bytes);
    rd_kafka_poll(producer, 0);
}

static rd_kafka_t *new_producer(int argc, char **argv)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[512];

    if (rd_kafka_conf_set(conf, "bootstrap.servers", argv[1], why, sizeof(why)) != 0)
        die(why);
    for (int i = 4; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        *value++ = '\0';
        if (rd_kafka_conf_set(conf, argv[i], value, why, sizeof(why)) != 0)
            die(why);
    }
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    if (producer == NULL)
        die(why);
    return producer;
}

int main(int argc, char **argv)
{
    rd_kafka_t *producer = new_producer(argc, argv);
    FILE *plan = fopen(argv[3], "r");
    char *line = NULL;
    size_t room = 0;
    size_t count = 0;

    while (getline(&line, &room, plan) > 0)
        send_record(producer, argv[2], count++, line);
    rd_kafka_flush(producer, 60 * 1000);
    free(line);
    fclose(plan);
    rd_kafka_destroy(producer);
    return failed || answered < count;
}
