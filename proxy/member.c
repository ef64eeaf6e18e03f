#include "member.h"

#include "address.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NAME_MAX_BYTES 64

/* The boot id changes with every boot; the namespace is an inode number, "net:[4026531840]". */
static void read_boot_id(char *to, size_t to_bytes)
{
    char boot[40] = {0}, space[40] = {0};
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t boot_len = fd < 0 ? -1 : read(fd, boot, sizeof(boot) - 1);
    ssize_t space_len = readlink("/proc/self/ns/net", space, sizeof(space) - 1);
    if (fd >= 0)
        (void)close(fd);
    boot[strcspn(boot, "\n")] = '\0';
    if (boot_len > 0 && space_len > 0)
        (void)snprintf(to, to_bytes, "%.36s/%s", boot, space);
    else
        to[0] = '\0';
}

void member_init(struct member *member, const char *configured, const char *host, uint16_t port)
{
    *member = (struct member){.descriptor = -1};
    read_boot_id(member->boot_id, sizeof(member->boot_id));
    if (configured != NULL) {
        (void)snprintf(member->name, sizeof(member->name), "%s", configured);
        return;
    }
    char machine[NAME_MAX_BYTES] = "host";
    char address[NAME_MAX_BYTES + 1] = "";
    if (gethostname(machine, sizeof(machine)) != 0)
        (void)snprintf(machine, sizeof(machine), "host");
    machine[sizeof(machine) - 1] = '\0';
    if (!address_is_wildcard(host))
        (void)snprintf(address, sizeof(address), "-%.32s", host);
    (void)snprintf(member->name, sizeof(member->name), "%.32s%.33s-%u", machine, address,
                   (unsigned)port);
    for (char *c = member->name; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr("._:-", *c) == NULL)
            *c = '-';
}

/* sun_path is short; a name that does not fit is cut, and a hash keeps it apart from others. */
static socklen_t write_path(struct sockaddr_un *address, const char *keyspace, const char *name)
{
    char path[256];
    int len = snprintf(path, sizeof(path), "sluice/%s/%s", keyspace, name);
    size_t room = sizeof(address->sun_path) - 1;
    if (len < 0 || (size_t)len > room) {
        uint64_t hash = UINT64_C(14695981039346656037);
        for (const char *c = path; *c != '\0'; c++)
            hash = (hash ^ (uint8_t)*c) * UINT64_C(1099511628211);
        len = (int)room;
        (void)snprintf(path + room - 17, 18, "/%016" PRIx64, hash);
    }
    memcpy(address->sun_path + 1, path, (size_t)len); /* the first byte is NUL: abstract, no file */
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
}

int member_claim(struct member *member, const char *keyspace)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t len = write_path(&address, keyspace, member->name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return STATUS_REFUSED;
    if (bind(fd, (struct sockaddr *)&address, len) != 0) {
        int rc = errno == EADDRINUSE ? STATUS_BUSY : STATUS_REFUSED;
        (void)close(fd);
        return rc;
    }
    member->descriptor = fd;
    return STATUS_OK;
}

bool member_predecessor_gone(const struct member *member)
{
    return member->descriptor >= 0 && member->boot_id[0] != '\0';
}

void member_release(struct member *member)
{
    if (member->descriptor >= 0)
        (void)close(member->descriptor);
    member->descriptor = -1;
}
