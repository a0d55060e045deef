/* SPDX-License-Identifier: Apache-2.0
 *
 * Restart: the records of a store become the first snapshot, by the same placing of values that changes use. Before the
 * writer and the readers start. */
#pragma once

#include "registry/apply.h"

/* Fills apply->next, inside a solo edit. 0, STORE_DAMAGED (a record that does not fit; with a message), STORE_NEWER or
 * -errno. */
int load_records(struct apply *apply, struct store *store, struct store_message *ret_message);
