/* cassandra.address_translation as people write it: TOLD=DIALLED, several with commas between. */
#ifndef PROXY_TRANSLATION_H
#define PROXY_TRANSLATION_H

#include "address.h"
#include "core/config.h"

#define TRANSLATIONS_MAX 1024

struct translations {
    struct address_translation *items; /* their strings are in `texts` */
    struct translation_text {
        char told_host[64];
        char host[ADDRESS_HOST_BYTES];
    } *texts;
    size_t count;
};

/* "10.0.0.1=203.0.113.5, 10.0.0.2:9042=nat.example:19042". What is told is an address, with a port
 * or for any port; IPv6 addresses are brought into the form in which the core writes them.
 * MALFORMED, NOMEM: nothing is kept. */
MUST_CHECK int translations_parse(const char *text, struct translations *translations);
void translations_free(struct translations *translations);

#endif
