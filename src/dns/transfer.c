/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may have which zone, start and stop; see transfer.h. */
#include "dns/transfer_priv.h"

#include "base/mem.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define KEY_FILE_MAX 1024

/* --- who may ------------------------------------------------------------------------------------------------------ */

struct transfer_zone *transfer_find_zone(const struct transfer *transfer, const struct dname *folded)
{
    for (size_t i = 0; i < transfer->n_zones; i++)
        if (dname_equal(&transfer->zones[i].name, folded))
            return &transfer->zones[i];
    return NULL;
}

uint64_t transfer_now_s(const struct transfer *transfer)
{
    return (uint64_t)clock_wall_ms(transfer->clock) / 1000;
}

int transfer_renew(const struct transfer *transfer, struct transfer_zone *zone)
{
    const struct snapshot *snapshot = snapshot_acquire(transfer->head);
    bool waits = clock_mono_ns(transfer->clock) / 1000000 < transfer->patient_until_ms;
    int r = zone_image_renew(zone->image, snapshot, waits);

    snapshot_release(transfer->head);
    return r;
}

static void transfer_done(struct change *change)
{
    struct transfer *transfer = change->owner;

    pthread_mutex_lock(&transfer->mutex);
    transfer->is_revision_wanted = false;
    pthread_cond_broadcast(&transfer->given);
    pthread_mutex_unlock(&transfer->mutex);
}

void transfer_look_elsewhere(struct transfer *transfer, struct transfer_zone *zone)
{
    bool is_behind = zone_image_is_behind(zone->image, snapshot_acquire(transfer->head)), was_wanted;

    snapshot_release(transfer->head);
    if (!is_behind)
        return;
    pthread_mutex_lock(&transfer->mutex);
    was_wanted = transfer->is_revision_wanted;
    transfer->is_revision_wanted = true;
    pthread_mutex_unlock(&transfer->mutex);
    if (was_wanted)
        return;
    transfer->revision = (struct change){ .kind = CHANGE_REVISION, .done = transfer_done, .owner = transfer };
    registry_submit(transfer->registry, &transfer->revision); /* what fails is wanted again at the next look */
}

/* The key of that name: the zone's that is asked for, else any. */
static const struct tsig_key *transfer_find_key(const struct transfer *transfer, const struct dname *zone_name,
                                                const struct dname *name)
{
    const struct transfer_zone *zone = transfer_find_zone(transfer, zone_name);

    if (zone && zone->has_key && dname_equal(&zone->key.name, name))
        return &zone->key;
    for (size_t i = 0; i < transfer->n_zones; i++)
        if (transfer->zones[i].has_key && dname_equal(&transfer->zones[i].key.name, name))
            return &transfer->zones[i].key;
    return NULL;
}

enum tsig_error transfer_verify(const struct transfer *transfer, const uint8_t *query, size_t n, uint64_t now_s,
                                struct tsig_signer *ret_signer)
{
    struct dname name;
    struct tsig tsig;
    size_t end;

    if (tsig_read(query, n, &tsig))
        return TSIG_FORMERR;
    if (packet_get_u16(query + 4) == 0 || dname_read(query, n, PACKET_HEADER, &name, &end))
        name = tsig.name;
    dname_fold(&name);
    return tsig_verify(query, &tsig, transfer_find_key(transfer, &name, &tsig.name), now_s, ret_signer);
}

static bool transfer_is_key(const struct tsig_key *a, const struct tsig_key *b)
{
    return b && dname_equal(&a->name, &b->name) && a->n == b->n && memcmp(a->secret, b->secret, a->n) == 0;
}

bool transfer_permits(const struct transfer *transfer, const struct authority_client *client, const struct dname *name,
                      const struct tsig_key *key)
{
    const struct transfer_zone *zone = transfer_find_zone(transfer, name);
    size_t n_address = client->family == AF_INET ? 4 : 16;

    if (!zone || (zone->has_key && !transfer_is_key(&zone->key, key)))
        return false;
    if (zone->n_places == 0)
        return zone->has_key;
    for (size_t i = 0; i < zone->n_places; i++) {
        const struct authority_client *place = &zone->places[i].client;
        if (place->family == client->family && memcmp(place->address, client->address, n_address) == 0)
            return true;
    }
    return false;
}

/* --- connections -------------------------------------------------------------------------------------------------- */

static struct transfer_slot *transfer_find_slot(struct transfer *transfer)
{
    for (size_t i = 0; i < TRANSFER_MAX_RUNNING; i++)
        if (!transfer->slots[i].is_taken)
            return &transfer->slots[i];
    return NULL;
}

bool transfer_wants(struct transfer *transfer, const struct authority_client *client, const uint8_t *message, size_t n)
{
    struct packet packet;
    struct dname name;
    struct tsig_signer signer = { .key = NULL };
    bool is_free;

    if (packet_read(message, n, &packet, &name) != PACKET_OK || !packet.has_question || packet.class != PACKET_IN ||
        (packet.type != PACKET_AXFR && packet.type != PACKET_IXFR) || packet.edns.version)
        return false;
    dname_fold(&name);
    if (packet.has_tsig && transfer_verify(transfer, message, n, transfer_now_s(transfer), &signer) != TSIG_OK)
        return false;
    if (!transfer_permits(transfer, client, &name, signer.key))
        return false;
    pthread_mutex_lock(&transfer->mutex);
    is_free = transfer_find_slot(transfer) != NULL;
    pthread_mutex_unlock(&transfer->mutex);
    return is_free;
}

int transfer_take(struct transfer *transfer, int fd, const struct authority_client *client, const uint8_t *in, size_t n)
{
    struct transfer_slot *slot;

    pthread_mutex_lock(&transfer->mutex);
    slot = transfer->stopping ? NULL : transfer_find_slot(transfer);
    if (slot) {
        ASSERT(n <= sizeof(slot->in));
        slot->is_taken = true;
        slot->client = *client;
        memcpy(slot->in, in, n);
        slot->n = n;
        slot->fd = fd;
        pthread_cond_broadcast(&transfer->given);
    }
    pthread_mutex_unlock(&transfer->mutex);
    return slot ? 0 : 1;
}

/* --- configuration ------------------------------------------------------------------------------------------------ */

static int transfer_bad(struct dns_message *message, const char *zone, const char *what, const char *value)
{
    snprintf(message->text, sizeof(message->text), "transfer %.100s: %s%s%.200s", zone, what, *value ? ": " : "",
             value);
    return DNS_SOCKET_BAD;
}

/* The key's text, out of its file when it is a path. 0 or -errno. */
static int transfer_read_key(const char *text, char ret_text[KEY_FILE_MAX])
{
    FILE *file;
    size_t n;

    if (*text != '/' && *text != '.') {
        snprintf(ret_text, KEY_FILE_MAX, "%s", text);
        return 0;
    }
    file = fopen(text, "re");
    if (!file)
        return -errno;
    n = fread(ret_text, 1, KEY_FILE_MAX - 1, file);
    ret_text[n] = '\0';
    fclose(file);
    return 0;
}

static int transfer_set_key(struct transfer_zone *zone, const struct transfer_zone_config *config,
                            struct dns_message *ret_message)
{
    char text[KEY_FILE_MAX];
    int r;

    if (!config->key)
        return 0;
    r = transfer_read_key(config->key, text);
    if (r)
        return transfer_bad(ret_message, config->zone, strerror(-r), config->key);
    zone->has_key = tsig_key_parse(str_of(text), &zone->key) == 0;
    explicit_bzero(text, sizeof(text));
    return zone->has_key ? 0 : transfer_bad(ret_message, config->zone, "the key is not NAME:BASE64", "");
}

static void transfer_set_client(struct transfer_place *place)
{
    place->client.family = place->address.ss_family;
    if (place->address.ss_family == AF_INET)
        memcpy(place->client.address, &((const struct sockaddr_in *)&place->address)->sin_addr, 4);
    else
        memcpy(place->client.address, &((const struct sockaddr_in6 *)&place->address)->sin6_addr, 16);
}

/* A secondary that has several addresses is several. */
static int transfer_add_places(struct transfer_zone *zone, const char *zone_text, const char *address,
                               struct dns_message *ret_message)
{
    struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *found = NULL;
    const char *colon = strrchr(address, ':');
    char host[256];
    size_t n = colon ? (size_t)(colon - address) : 0;
    int r;

    if (n >= 2 && address[0] == '[' && address[n - 1] == ']') {
        address++;
        n -= 2;
    }
    if (n == 0 || n >= sizeof(host))
        return transfer_bad(ret_message, zone_text, "not HOST:PORT", address);
    memcpy(host, address, n);
    host[n] = '\0';
    r = getaddrinfo(host, colon + 1, &hints, &found);
    if (r)
        return transfer_bad(ret_message, zone_text, gai_strerror(r), host);
    for (const struct addrinfo *one = found; one; one = one->ai_next) {
        struct transfer_place *place = &zone->places[zone->n_places];
        if (zone->n_places == TRANSFER_MAX_SECONDARIES || (one->ai_family != AF_INET && one->ai_family != AF_INET6))
            continue;
        memcpy(&place->address, one->ai_addr, one->ai_addrlen);
        place->n = one->ai_addrlen;
        transfer_set_client(place);
        zone->n_places++;
    }
    freeaddrinfo(found);
    return 0;
}

static int transfer_configure(struct transfer_zone *zone, const struct transfer_config *transfer,
                              const struct transfer_zone_config *config, struct dns_message *ret_message)
{
    struct zone_image_config image = { .name = &zone->name,
                                       .vpc = config->vpc ? str_of(config->vpc) : STR(""),
                                       .views = transfer->views,
                                       .alias = transfer->alias };
    int r;

    if (dname_of_text(str_of(config->zone), &zone->name))
        return transfer_bad(ret_message, config->zone, "not the name of a zone", "");
    dname_fold(&zone->name);
    dname_text(&zone->name, zone->text);
    r = transfer_set_key(zone, config, ret_message);
    for (size_t i = 0; i < config->n_secondaries && r == 0; i++)
        r = transfer_add_places(zone, config->zone, config->secondaries[i], ret_message);
    if (r == 0 && zone->n_places == 0 && !zone->has_key)
        return transfer_bad(ret_message, config->zone, "neither secondaries nor a key", "");
    if (r)
        return r;
    zone->image = zone_image_new(&image);
    return zone->image ? 0 : -ENOMEM;
}

/* --- start and stop ----------------------------------------------------------------------------------------------- */

static int transfer_init(struct transfer *transfer, const struct transfer_config *config,
                         struct dns_message *ret_message)
{
    static const int families[] = { AF_INET, AF_INET6 };

    rand_init(&transfer->rand);
    transfer->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    transfer->zones = mem_zalloc(config->n_zones * sizeof(transfer->zones[0]));
    transfer->slots = mem_zalloc(TRANSFER_MAX_RUNNING * sizeof(transfer->slots[0]));
    if (transfer->wake < 0 || !transfer->zones || !transfer->slots)
        return -ENOMEM;
    for (size_t i = 0; i < 2; i++)
        transfer->sockets[i] = socket(families[i], SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    for (size_t i = 0; i < config->n_zones; i++) {
        int r;
        pthread_mutex_init(&transfer->zones[i].mutex, NULL);
        transfer->n_zones++;
        r = transfer_configure(&transfer->zones[i], config, &config->zones[i], ret_message);
        if (r)
            return r;
    }
    return 0;
}

static int transfer_start_threads(struct transfer *transfer)
{
    int r = 0;

    for (size_t i = 0; i < TRANSFER_MAX_RUNNING; i++) {
        transfer->slots[i].transfer = transfer;
        transfer->slots[i].fd = -1;
    }
    for (size_t i = 0; i < TRANSFER_MAX_RUNNING && r == 0; i++) {
        struct transfer_slot *slot = &transfer->slots[i];
        r = -pthread_create(&slot->thread, NULL, transfer_serve_run, slot);
        slot->is_started = r == 0;
    }
    if (r == 0)
        r = -pthread_create(&transfer->watcher, NULL, transfer_watch_run, transfer);
    transfer->is_watched = r == 0;
    return r;
}

int transfer_start(const struct transfer_config *config, struct transfer **ret_transfer,
                   struct dns_message *ret_message)
{
    struct transfer *transfer;
    int r;

    if (config->n_zones == 0) {
        *ret_transfer = NULL;
        return 0;
    }
    transfer = mem_zalloc(sizeof(*transfer));
    if (!transfer)
        return -ENOMEM;
    transfer->name_servers = config->name_servers;
    transfer->n_name_servers = config->n_name_servers;
    transfer->registry = config->registry;
    transfer->head = registry_head(config->registry);
    transfer->clock = config->clock;
    transfer->patient_until_ms = clock_mono_ns(config->clock) / 1000000 + ALIAS_WAIT_MS;
    transfer->wake = transfer->sockets[0] = transfer->sockets[1] = -1;
    pthread_mutex_init(&transfer->mutex, NULL);
    pthread_cond_init(&transfer->given, NULL);
    r = transfer_init(transfer, config, ret_message);
    if (r == 0)
        r = transfer_start_threads(transfer);
    if (r) {
        transfer_stop(transfer);
        return r;
    }
    *ret_transfer = transfer;
    return 0;
}

static void transfer_end_threads(struct transfer *transfer)
{
    uint64_t one = 1;

    pthread_mutex_lock(&transfer->mutex);
    __atomic_store_n(&transfer->stopping, true, __ATOMIC_RELAXED);
    for (size_t i = 0; transfer->slots && i < TRANSFER_MAX_RUNNING; i++)
        if (transfer->slots[i].is_taken && transfer->slots[i].fd >= 0)
            shutdown(transfer->slots[i].fd, SHUT_RDWR);
    pthread_cond_broadcast(&transfer->given);
    pthread_mutex_unlock(&transfer->mutex);
    if (transfer->wake >= 0 && write(transfer->wake, &one, sizeof(one)) < 0)
        ASSERT(errno == EAGAIN);
    for (size_t i = 0; transfer->slots && i < TRANSFER_MAX_RUNNING; i++)
        if (transfer->slots[i].is_started)
            pthread_join(transfer->slots[i].thread, NULL);
    if (transfer->is_watched)
        pthread_join(transfer->watcher, NULL);
    pthread_mutex_lock(&transfer->mutex);
    while (transfer->is_revision_wanted)
        pthread_cond_wait(&transfer->given, &transfer->mutex);
    pthread_mutex_unlock(&transfer->mutex);
}

void transfer_stop(struct transfer *transfer)
{
    if (!transfer)
        return;
    transfer_end_threads(transfer);
    for (size_t i = 0; i < transfer->n_zones; i++) {
        zone_image_free(transfer->zones[i].image);
        pthread_mutex_destroy(&transfer->zones[i].mutex);
        explicit_bzero(&transfer->zones[i].key, sizeof(transfer->zones[i].key));
    }
    for (size_t i = 0; i < 2; i++)
        if (transfer->sockets[i] >= 0)
            close(transfer->sockets[i]);
    if (transfer->wake >= 0)
        close(transfer->wake);
    pthread_cond_destroy(&transfer->given);
    pthread_mutex_destroy(&transfer->mutex);
    mem_free(transfer->zones);
    mem_free(transfer->slots);
    mem_free(transfer);
}
