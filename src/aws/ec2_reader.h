/* SPDX-License-Identifier: Apache-2.0
 *
 * One page of DescribeInstances, read into a listing. One thread at a time. */
#pragma once

#include "aws/ec2.h"

#define EC2_READER_MAX_ADDRESSES 16384 /* of one instance, duplicates included; the largest types have some 6,000 */

/* Appends the page's instances, notes owners and canaries (all of the query's, both kinds). ret_next: in the listing's
 * arena; absent behind the last page. 0, -ENOMEM or AWS_ODD. */
int ec2_reader_read(struct str xml, const struct ec2_query *query, struct ec2_listing *listing, struct str *ret_next,
                    struct aws_error *ret_error);
