#include "kafka/error.h"

const char *kafka_error_name(int16_t code)
{
    switch (code) {
#define KAFKA_ERROR_NAME(number, identifier, text)                                                 \
    case (number):                                                                                 \
        return (text);
        KAFKA_ERROR_MAP(KAFKA_ERROR_NAME)
#undef KAFKA_ERROR_NAME
    default:
        return "UNKNOWN";
    }
}
