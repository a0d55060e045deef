/* SPDX-License-Identifier: Apache-2.0
 *
 * Choosing instances against a naive filter; every one has the same chance; and how many are looked at (calls into the
 * trees and to the comparison of attributes are counted by the linker's --wrap). */
#include "../test.h"

#include "base/mem.h"
#include "registry/apply_priv.h"
#include "registry/pick.h"

#include <errno.h>
#include <math.h>

/* --- counting ---------------------------------------------------------------------------------------------------- */

static uint64_t n_looks;

bool __real_instance_has_attributes(const struct instance *instance, const struct str_pair *pairs, size_t n);
bool __wrap_instance_has_attributes(const struct instance *instance, const struct str_pair *pairs, size_t n);
const void *__real_tree_iter_next(struct tree_iter *iter);
const void *__wrap_tree_iter_next(struct tree_iter *iter);
const void *__real_tree_select(const struct tree *tree, enum tree_unit unit, uint32_t rank);
const void *__wrap_tree_select(const struct tree *tree, enum tree_unit unit, uint32_t rank);

bool __wrap_instance_has_attributes(const struct instance *instance, const struct str_pair *pairs, size_t n)
{
    n_looks++;
    return __real_instance_has_attributes(instance, pairs, n);
}

const void *__wrap_tree_iter_next(struct tree_iter *iter)
{
    n_looks++;
    return __real_tree_iter_next(iter);
}

const void *__wrap_tree_select(const struct tree *tree, enum tree_unit unit, uint32_t rank)
{
    n_looks++;
    return __real_tree_select(tree, unit, rank);
}

/* --- a crowd ----------------------------------------------------------------------------------------------------- */

/* Attributes as small numbers; NONE: the instance does not have it. */
enum { ZONE, COLOR, UNIQUE, N_KEYS, NONE = -1 };

static const char *key_names[N_KEYS] = { "zone", "color", "unique" };

struct member {
    int values[N_KEYS];
    enum health_status health;
};

struct crowd {
    struct apply apply;
    struct service config;
    struct service_node node;
    struct member *members;
    size_t n;
    struct arena arena; /* of one query */
    struct rand rand;
};

static void crowd_init(struct crowd *crowd, size_t n, uint64_t seed)
{
    *crowd = (struct crowd){ .n = n, .config.check = SERVICE_CHECK_CUSTOM };
    crowd->node.config = &crowd->config;
    rand_init_seed(&crowd->rand, seed);
    crowd->apply.next.index_key = (struct hash_key){ { seed, ~seed } };
    edit_begin(&crowd->apply.edit, 1, true);
    crowd->members = mem_zalloc(n * sizeof(*crowd->members));
    assert_non_null(crowd->members);
    arena_init(&crowd->arena, 64 << 20);
}

static void crowd_fini(struct crowd *crowd)
{
    const struct instance *instance;
    struct tree_iter iter;

    tree_iter_init(&iter, &crowd->node.instances, NULL, NULL);
    while ((instance = tree_iter_next(&iter)))
        mem_free((void *)(uintptr_t)instance);
    tree_free(&crowd->node.instances);
    tree_free(&crowd->node.index);
    edit_abandon(&crowd->apply.edit);
    mem_free(crowd->members);
    arena_fini(&crowd->arena);
}

static struct str_pair make_pair(struct crowd *crowd, int key, int value)
{
    return (struct str_pair){ str_of(key_names[key]), arena_printf(&crowd->arena, "%d", value) };
}

/* Registers the i-th member, again if it is there already. */
static void crowd_place(struct crowd *crowd, size_t i, const struct member *member)
{
    static const int by_name[] = { COLOR, UNIQUE, ZONE };
    struct str_pair pairs[N_KEYS];
    struct instance *instance;
    size_t n = 0;
    char id[16];

    arena_reset(&crowd->arena);
    for (size_t k = 0; k < N_KEYS; k++)
        if (member->values[by_name[k]] != NONE)
            pairs[n++] = make_pair(crowd, by_name[k], member->values[by_name[k]]);
    snprintf(id, sizeof(id), "i%06zu", i);
    instance = instance_new(
        &(struct instance_draft){ .id = str_of(id), .attributes = pairs, .n_attributes = n, .health = member->health });
    assert_non_null(instance);
    apply_place_instance(&crowd->apply, &crowd->node, instance);
    crowd->members[i] = *member;
}

/* Zones are few, colors many, unique ones are shared by three. */
static struct member random_member(struct crowd *crowd, size_t i)
{
    struct rand *rand = &crowd->rand;

    return (struct member){ .values = { (int)rand_below(rand, 3),
                                        rand_below(rand, 10) < 7 ? (int)rand_below(rand, 20) : NONE,
                                        rand_below(rand, 2) ? (int)(i / 3) : NONE },
                            .health = (enum health_status)rand_below(rand, HEALTH_STATUS_COUNT) };
}

static void crowd_fill(struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->n; i++) {
        struct member member = random_member(crowd, i);
        crowd_place(crowd, i, &member);
    }
}

/* --- the naive filter -------------------------------------------------------------------------------------------- */

struct want {
    int key, value;
};

struct query {
    struct want required[4], optional[3];
    size_t n_required, n_optional, max;
    enum pick_health health;
};

static bool has_all(const struct member *member, const struct want *wants, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (member->values[wants[i].key] != wants[i].value)
            return false;
    return true;
}

/* Marks what the query must choose from; how many they are. */
static size_t naive(const struct crowd *crowd, const struct query *query, bool *ret_chosen)
{
    bool checked = crowd->config.check != SERVICE_CHECK_NONE;
    size_t n_healthy = 0, n_optional = 0, n = 0;

    for (size_t i = 0; i < crowd->n; i++) /* without a check: who has a lease that ran out */
        checked = checked || crowd->members[i].health == HEALTH_UNHEALTHY;
    for (size_t i = 0; i < crowd->n; i++)
        n_healthy += has_all(&crowd->members[i], query->required, query->n_required) &&
                     crowd->members[i].health != HEALTH_UNHEALTHY;
    for (size_t i = 0; i < crowd->n; i++) {
        const struct member *member = &crowd->members[i];
        bool healthy = member->health != HEALTH_UNHEALTHY;
        ret_chosen[i] = has_all(member, query->required, query->n_required);
        if (checked && (query->health == PICK_HEALTHY || (query->health == PICK_HEALTHY_OR_ELSE_ALL && n_healthy)))
            ret_chosen[i] = ret_chosen[i] && healthy;
        if (checked && query->health == PICK_UNHEALTHY)
            ret_chosen[i] = ret_chosen[i] && !healthy;
        n_optional += ret_chosen[i] && has_all(member, query->optional, query->n_optional);
    }
    for (size_t i = 0; i < crowd->n; i++) {
        if (n_optional)
            ret_chosen[i] = ret_chosen[i] && has_all(&crowd->members[i], query->optional, query->n_optional);
        n += ret_chosen[i];
    }
    return n;
}

/* --- asking ------------------------------------------------------------------------------------------------------ */

static const struct str_pair *make_pairs(struct crowd *crowd, const struct want *wants, size_t n)
{
    struct str_pair *pairs = ARENA_ARRAY(&crowd->arena, struct str_pair, n + 1);

    for (size_t i = 0; i < n; i++)
        pairs[i] = make_pair(crowd, wants[i].key, wants[i].value);
    return pairs;
}

/* The instances' numbers in ret_numbers; how many. */
static size_t ask(struct crowd *crowd, const struct query *query, size_t *ret_numbers)
{
    const struct instance **instances;
    struct pick_query pick;
    size_t n;

    arena_reset(&crowd->arena);
    pick = (struct pick_query){ .required = make_pairs(crowd, query->required, query->n_required),
                                .optional = make_pairs(crowd, query->optional, query->n_optional),
                                .n_required = query->n_required,
                                .n_optional = query->n_optional,
                                .health = query->health,
                                .max = query->max };
    n_looks = 0;
    assert_int_equal(
        pick_instances(&crowd->apply.next, &crowd->node, &pick, &crowd->rand, &crowd->arena, &instances, &n), 0);
    for (size_t i = 0; i < n; i++) {
        uint64_t number;
        assert_int_equal(str_parse_u64(str_skip(instance_id(instances[i]), 1), &number), 0);
        ret_numbers[i] = number;
    }
    return n;
}

static void check_query(struct crowd *crowd, const struct query *query, bool *chosen, size_t *numbers)
{
    size_t n_chosen = naive(crowd, query, chosen), n = ask(crowd, query, numbers);

    assert_int_equal(n, n_chosen < query->max ? n_chosen : query->max);
    for (size_t i = 0; i < n; i++) {
        assert_true(chosen[numbers[i]]);
        chosen[numbers[i]] = false; /* nobody twice */
    }
}

static struct query random_query(struct crowd *crowd)
{
    static const size_t maxima[] = { 0, 1, 2, 10, 100, 1000 };
    struct rand *rand = &crowd->rand;
    struct query query = { .n_required = rand_below(rand, 5),
                           .n_optional = rand_below(rand, 4),
                           .max = rand_below(rand, 8) ? maxima[rand_below(rand, TEST_COUNT(maxima))] : crowd->n,
                           .health = (enum pick_health)rand_below(rand, 4) };

    for (size_t i = 0; i < query.n_required + query.n_optional; i++) {
        struct want *want = i < query.n_required ? &query.required[i] : &query.optional[i - query.n_required];
        const struct member *like = crowd->n ? &crowd->members[rand_below(rand, crowd->n)] : NULL;
        want->key = (int)rand_below(rand, 8) % N_KEYS;
        want->value = like ? like->values[want->key] : 0;
        if (want->value == NONE || rand_below(rand, 10) == 0)
            want->value = 1000000; /* nobody's */
    }
    return query;
}

static void check_queries(size_t n, unsigned n_queries)
{
    size_t *numbers = mem_alloc((n + 1) * sizeof(*numbers));
    bool *chosen = mem_zalloc(n + 1);
    struct crowd crowd;

    assert_true(numbers && chosen);
    crowd_init(&crowd, n, n);
    crowd_fill(&crowd);
    for (unsigned i = 0; i < n_queries; i++) {
        struct query query = random_query(&crowd);
        crowd.config.check = i % 8 ? SERVICE_CHECK_CUSTOM : SERVICE_CHECK_NONE;
        check_query(&crowd, &query, chosen, numbers);
        if (n && n <= 1000) { /* somebody changes between two queries */
            size_t one = rand_below(&crowd.rand, n);
            struct member member = random_member(&crowd, one);
            crowd_place(&crowd, one, &member);
        }
    }
    assert_true(tree_is_sound(&crowd.node.index, &state_index));
    crowd_fini(&crowd);
    mem_free(numbers);
    mem_free(chosen);
}

static void test_random_queries(void **state)
{
    (void)state;
    check_queries(0, 100);
    check_queries(1, 500);
    check_queries(10, 2000);
    check_queries(1000, 2000);
}

static void test_random_queries_of_100000(void **state)
{
    (void)state;
    check_queries(100000, 150);
}

/* --- fairness ---------------------------------------------------------------------------------------------------- */

/* Asks often; the chi-square of who came, and of who came first, stays within six standard deviations. */
static void check_fairness(struct crowd *crowd, const struct query *query, size_t n_matching, unsigned n_asked)
{
    size_t *came = mem_zalloc(crowd->n * sizeof(*came)), *first = mem_zalloc(crowd->n * sizeof(*first));
    size_t *numbers = mem_alloc(query->max * sizeof(*numbers)), n_came = 0;
    bool *chosen = mem_zalloc(crowd->n);
    double all = 0, leading = 0, bound = (double)(n_matching - 1) + 6 * sqrt(2.0 * (double)(n_matching - 1));

    assert_true(came && first && numbers && chosen);
    assert_int_equal(naive(crowd, query, chosen), n_matching);
    for (unsigned i = 0; i < n_asked; i++) {
        size_t n = ask(crowd, query, numbers);
        first[numbers[0]]++;
        for (size_t k = 0; k < n; k++)
            came[numbers[k]]++;
        n_came += n;
    }
    for (size_t i = 0; i < crowd->n; i++) {
        double expected = (double)n_came / (double)n_matching, led = (double)n_asked / (double)n_matching;
        if (!chosen[i])
            continue;
        all += ((double)came[i] - expected) * ((double)came[i] - expected) / expected;
        leading += ((double)first[i] - led) * ((double)first[i] - led) / led;
    }
    if (all > bound || leading > bound)
        print_error("%zu matching: chi-square %.1f and %.1f, bound %.1f\n", n_matching, all, leading, bound);
    assert_true(all <= bound);
    assert_true(leading <= bound);
    mem_free(came);
    mem_free(first);
    mem_free(numbers);
    mem_free(chosen);
}

/* A crowd of which each fifth is UNHEALTHY and zones alternate. */
static void crowd_fill_regularly(struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->n; i++) {
        struct member member = { .values = { (int)(i % 2), NONE, NONE },
                                 .health = i % 5 ? HEALTH_HEALTHY : HEALTH_UNHEALTHY };
        crowd_place(crowd, i, &member);
    }
}

static void test_draws_are_fair(void **state)
{
    const struct query all = { .max = 5, .health = PICK_ALL }, healthy = { .max = 5, .health = PICK_HEALTHY };
    const struct query zone = { .required = { { ZONE, 1 } }, .n_required = 1, .max = 5, .health = PICK_UNHEALTHY };
    struct crowd crowd;

    (void)state;
    crowd_init(&crowd, 1000, 1);
    crowd_fill_regularly(&crowd);
    check_fairness(&crowd, &all, 1000, 20000);
    assert_int_equal(n_looks, 2 * 5); /* drawn, compared with nothing, taken */
    check_fairness(&crowd, &healthy, 800, 20000);
    check_fairness(&crowd, &zone, 100, 10000);
    crowd_fini(&crowd);
}

static void test_readings_are_fair(void **state)
{
    const struct query rare = {
        .required = { { ZONE, 0 }, { COLOR, 7 } }, .n_required = 2, .max = 15, .health = PICK_ALL
    };
    const struct query optional = { .required = { { ZONE, 0 } },
                                    .optional = { { COLOR, 7 } },
                                    .n_required = 1,
                                    .n_optional = 1,
                                    .max = 15,
                                    .health = PICK_HEALTHY };
    struct crowd crowd;

    (void)state;
    /* 400 have the zone, 400 the color, 20 both: drawing gives up after 200 draws and reads the 400. */
    crowd_init(&crowd, 8000, 2);
    for (size_t i = 0; i < crowd.n; i++) {
        struct member member = { .values = { (int)(i / 20 % 20), i % 20 ? 8 : 7, NONE }, .health = HEALTH_HEALTHY };
        crowd_place(&crowd, i, &member);
    }
    check_fairness(&crowd, &rare, 20, 4000);
    assert_in_range(n_looks, 2 * 400, 2 * (200 + 400));
    check_fairness(&crowd, &optional, 20, 4000);
    assert_in_range(n_looks, 2 * 400, 2 * (200 + 400));
    crowd_fini(&crowd);
}

static void test_small_services_are_shuffled_fairly(void **state)
{
    const struct query some = { .max = 10, .health = PICK_HEALTHY }, every = { .max = 100, .health = PICK_ALL };
    struct crowd crowd;

    (void)state;
    crowd_init(&crowd, 50, 3);
    crowd_fill_regularly(&crowd);
    check_fairness(&crowd, &some, 40, 20000);
    check_fairness(&crowd, &every, 50, 20000);
    crowd_fini(&crowd);
}

/* --- cost -------------------------------------------------------------------------------------------------------- */

static void check_looks(struct crowd *crowd, const struct query *query, size_t n_wanted, uint64_t most)
{
    size_t *numbers = mem_alloc((query->max + 1) * sizeof(*numbers));

    assert_non_null(numbers);
    assert_int_equal(ask(crowd, query, numbers), n_wanted);
    if (n_looks > most)
        print_error("looked %llu times, at most %llu\n", (unsigned long long)n_looks, (unsigned long long)most);
    assert_in_range(n_looks, n_wanted, most);
    mem_free(numbers);
}

static void test_cost_follows_what_is_returned(void **state)
{
    const struct query cases[] = {
        { .max = 100, .health = PICK_ALL },
        { .max = 100, .health = PICK_HEALTHY },
        { .required = { { ZONE, 1 } }, .n_required = 1, .max = 100, .health = PICK_ALL },
        { .required = { { ZONE, 1 }, { COLOR, 8 } }, .n_required = 2, .max = 100, .health = PICK_ALL },
        { .optional = { { ZONE, 1 } }, .n_optional = 1, .max = 100, .health = PICK_HEALTHY_OR_ELSE_ALL },
    };
    const struct query ten = { .required = { { ZONE, 0 }, { UNIQUE, 5 } }, .n_required = 2, .max = 10 };
    const struct query nobody = { .required = { { ZONE, 0 }, { UNIQUE, 6 } }, .n_required = 2, .max = 10 };
    const struct query sick = { .max = 10, .health = PICK_UNHEALTHY };
    struct crowd crowd;

    (void)state;
    crowd_init(&crowd, 100000, 4);
    for (size_t i = 0; i < crowd.n; i++) {
        struct member member = { .values = { (int)(i % 2), i % 10 ? 8 : 7, i % 10000 ? NONE : 5 },
                                 .health = i % 20000 == 7 ? HEALTH_UNHEALTHY : HEALTH_HEALTHY };
        crowd_place(&crowd, i, &member);
    }
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        check_looks(&crowd, &cases[i], 100, 2 * 300 + 4);
    check_looks(&crowd, &ten, 10, 2 * 10);
    check_looks(&crowd, &nobody, 0, 0);
    check_looks(&crowd, &sick, 5, 2 * 5);
    crowd_fini(&crowd);
}

static void test_no_room(void **state)
{
    const struct instance **instances;
    struct pick_query query = { .max = 10, .health = PICK_ALL };
    struct crowd crowd;
    struct arena arena;
    int last = -ENOMEM;
    size_t n;

    (void)state;
    crowd_init(&crowd, 1000, 5);
    crowd_fill(&crowd);
    for (size_t cap = 0; cap <= 4096; cap += 64) {
        int r;
        arena_init(&arena, cap);
        r = pick_instances(&crowd.apply.next, &crowd.node, &query, &crowd.rand, &arena, &instances, &n);
        assert_true(r == 0 || (r == -ENOMEM && last == -ENOMEM));
        last = r;
        arena_fini(&arena);
    }
    assert_int_equal(last, 0);
    crowd_fini(&crowd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_queries),
        cmocka_unit_test(test_random_queries_of_100000),
        cmocka_unit_test(test_draws_are_fair),
        cmocka_unit_test(test_readings_are_fair),
        cmocka_unit_test(test_small_services_are_shuffled_fairly),
        cmocka_unit_test(test_cost_follows_what_is_returned),
        cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
