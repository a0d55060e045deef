/* SPDX-License-Identifier: Apache-2.0
 *
 * What the answer files share: one answer while it is put together. */
#pragma once

#include "dns/answer.h"

#define ANSWER_LINKS 9 /* CNAME records in an answer */

struct tsig_key;

struct answer {
    struct answer_worker *worker;
    const struct snapshot *snapshot;
    const struct authority_client *client; /* its view is that of whom a forwarder speaks for */
    struct authority_client asker;
    bool says_subnet; /* the answer has the query's client subnet option, with the scope */
    uint8_t scope;
    bool is_tcp;
    struct packet query;
    struct composer out;
    struct authority_name name; /* that is looked up now: the question's, then what CNAME records lead to */
    size_t name_at;             /* where it stands in the message */
    const struct owner *followed[ANSWER_LINKS]; /* whose CNAME records are in the answer */
    unsigned n_followed;
    unsigned flags, rcode;
    bool has_error; /* extended error */
    enum edns_error error;
    struct str error_text;
    const struct instance *alias; /* of ANSWER_ALIAS, with the type that was asked of it */
    enum service_record_type alias_type;
    const struct tsig_key *key; /* that the query is signed by; NULL: none */
};

static inline void answer_explain(struct answer *answer, enum edns_error error, struct str text)
{
    answer->has_error = true;
    answer->error = error;
    answer->error_text = text;
}

/* --- answer_records.c ----------------------------------------------------------------------------------------------
 */

enum answer_result {
    ANSWER_DONE,  /* at least one record */
    ANSWER_EMPTY, /* none of the type */
    ANSWER_FULL,  /* they do not fit: truncated */
    ANSWER_ALIAS, /* the chosen instance, answer->alias, stands for a name that has the records */
    ANSWER_LATER, /* what worker->wanted says must be known first */
    ANSWER_FAILED /* the answer says why */
};

/* The records of one type at a service's name, and for SRV the addresses of their targets. Not CNAME. */
enum answer_result answer_put_records(struct answer *answer, const struct owner *owner, enum service_record_type type);
/* The one CNAME record; *ret_target is where its target stands. */
enum answer_result answer_put_cname(struct answer *answer, const struct owner *owner, struct dname *ret_target,
                                    size_t *ret_at);
/* The target of the chosen instance; false when there is none. */
bool answer_pick_cname(struct answer *answer, const struct owner *owner, struct dname *ret_target);
/* An instance's own address record: the service's SRV records point to it. Of instances whose ids differ in case only,
 * those of all. */
enum answer_result answer_put_instance(struct answer *answer, const struct owner *owner, const struct instance *found,
                                       enum service_record_type type);
/* The zone's own records; negative: with the TTL that negative answers have. */
enum answer_result answer_put_soa(struct answer *answer, const struct authority *authority,
                                  enum composer_section section);
enum answer_result answer_put_ns(struct answer *answer, const struct authority *authority);

/* --- answer_view.c -------------------------------------------------------------------------------------------------
 */

#define ANSWER_VIEW_SUBNET_MAX 20

/* Gives the answer its client, from what the query and the socket say. */
void answer_view_find(struct answer *answer, const struct authority_client *client);
/* The client subnet option of the answer without its head; 0 octets when there is none. */
size_t answer_view_subnet_size(const struct answer *answer);
struct str answer_view_subnet(const struct answer *answer, uint8_t buffer[ANSWER_VIEW_SUBNET_MAX]);

/* --- answer_alias.c ------------------------------------------------------------------------------------------------
 */

/* The addresses of what answer->alias stands for: DONE, EMPTY, FULL, LATER or FAILED. */
enum answer_result answer_put_alias(struct answer *answer);

/* --- answer_transfer.c ---------------------------------------------------------------------------------------------
 */

/* Answers a question for a transfer that came by UDP: an IXFR that is granted gets the SOA record, so that the
 * secondary comes by TCP (RFC 1995 2). False: it is to be refused. */
bool answer_transfer(struct answer *answer);
/* The whole answer to a query with a signature, which it is given, too; writes it into `out`. */
size_t answer_signed(struct answer *answer, const uint8_t *query, size_t n, uint8_t *out, size_t room);

/* --- answer.c ------------------------------------------------------------------------------------------------------
 */

/* The answer without a signature, of at most `most` octets. */
size_t answer_compose(struct answer *answer, uint8_t *out, size_t most);
/* Octets that the answer may have, of those that there is room for. */
size_t answer_size(const struct answer *answer, size_t room);
/* Octets that the OPT record takes, of them. */
size_t answer_opt_size(const struct answer *answer);
/* An answer of nothing but a header. */
size_t answer_bare(struct answer *answer, uint8_t *out, unsigned rcode);

/* --- answer_pick.c -------------------------------------------------------------------------------------------------
 */

/* Has the instance a record of the type, or stands it for a name that has? */
bool answer_pick_has_type(const struct instance *instance, enum service_record_type type);
/* k of n in random order, as indices; k <= n <= OWNER_MAX. */
void answer_pick_few(struct rand *rand, unsigned n, unsigned k, uint8_t ret_indices[OWNER_MAX]);
/* At most max instances with records of the type, of those that a query may see, into worker->picked in random order;
 * returns how many. */
unsigned answer_pick_instances(struct answer_worker *worker, const struct owner *owner, enum service_record_type type,
                               unsigned max);
