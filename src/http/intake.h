/* SPDX-License-Identifier: Apache-2.0
 *
 * What the kernel knows about the input of a TCP socket. Any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Bytes of input that nobody has read. */
uint64_t intake_unread(int fd);
/* There are some. */
bool intake_has_unread(int fd);
/* The peer has closed its side, and everything before that was read. */
bool intake_has_ended(int fd);
/* Bytes that the peer has sent so far, those unread included. 0 or -errno. */
int intake_received(int fd, uint64_t *ret_n);
