/* SPDX-License-Identifier: Apache-2.0
 *
 * The objects in Cloud Map's answers: each function reads the value that comes next and copies what counts into the
 * arena. An id that is missing or empty is AWS_ODD. One thread at a time. */
#pragma once

#include "aws/cloud_map.h"
#include "aws/json_answer.h"

/* Instance or InstanceSummary. `before` (or NULL) is an instance that lives as long; keys that it has at the same place
 * are shared. 0, -ENOMEM or AWS_ODD. */
int cloud_map_reader_instance(struct json_answer *answer, struct arena *arena, const struct cloud_map_instance *before,
                              struct cloud_map_instance *ret_instance);
/* Service or ServiceSummary, which has no NamespaceId. */
int cloud_map_reader_service(struct json_answer *answer, struct arena *arena, struct cloud_map_service *ret_service);
/* The word of a health status. */
int cloud_map_reader_health(struct json_answer *answer, enum cloud_map_health *ret_health);
/* Operation. When it has failed, the answer's error is filled. */
int cloud_map_reader_operation(struct json_answer *answer, struct str id, enum cloud_map_operation *ret_operation);
