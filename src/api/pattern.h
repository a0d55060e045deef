/* SPDX-License-Identifier: Apache-2.0
 *
 * Matchers for the regular expressions of the model, by hand: linear in the text, no memory. Each decides whether the
 * whole text matches, as the pattern in shapes.c that stands beside it says; tests compare them with Python's `re`.
 * Limits of length that the pattern states are included. Usable from any thread. Source: API reference, data types. */
#pragma once

#include "base/str.h"

/* InstanceId: letters, digits and `_ / : . @ -`, at least one. */
bool pattern_instance_id(struct str s);
/* AttrKey: visible ASCII, at least one. */
bool pattern_attr_key(struct str s);
/* AttrValue: empty, or ASCII text with blanks and tabs that starts with a visible character. */
bool pattern_attr_value(struct str s);
/* NamespaceName: 1 to 1024 visible ASCII characters. */
bool pattern_namespace_name(struct str s);
/* NamespaceNameHttp: the same without names that start with `arn:`. */
bool pattern_namespace_name_http(struct str s);
/* NamespaceNamePrivate: the same with at most 253 characters. */
bool pattern_namespace_name_private(struct str s);
/* NamespaceNamePublic: at least two host name labels. */
bool pattern_namespace_name_public(struct str s);
/* ServiceName: `.`, or up to 127 characters of labels that may hold `_` and `-`. */
bool pattern_service_name(struct str s);
