/* SPDX-License-Identifier: Apache-2.0
 *
 * Interpreters of the shape tables (shapes.c): JSON to C structs (shapes.h), constraint checks, C structs to JSON.
 * Tables are const data; every function works on its arguments only and may be used from any thread.
 *
 * The three steps of a request: shape_decode checks JSON and types, shape_validate the constraints of the model
 * (required, length, range, pattern, enum), and the handler the rules that the model cannot say. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "json/reader.h"

enum shape_kind {
    SHAPE_KIND_NOTHING, /* not even `{}` */
    SHAPE_KIND_STRING,
    SHAPE_KIND_INTEGER,
    SHAPE_KIND_LONG,
    SHAPE_KIND_TIMESTAMP, /* output only */
    SHAPE_KIND_LIST,
    SHAPE_KIND_MAP, /* string to string */
    SHAPE_KIND_STRUCTURE,
};

/* The C type of a struct member. */
enum shape_holds {
    SHAPE_HOLDS_STR, /* a string; or raw JSON, when the shape is no string */
    SHAPE_HOLDS_INT,
    SHAPE_HOLDS_LIST,
    SHAPE_HOLDS_MAP,
    SHAPE_HOLDS_POINTER, /* to a structure */
    SHAPE_HOLDS_PART,    /* struct wire_part, in outputs only */
};

enum shape_member_flags {
    SHAPE_REQUIRED = 1,
    SHAPE_IDEMPOTENCY_TOKEN = 2, /* clients invent one when the user gives none */
    SHAPE_DEPRECATED = 4,
    SHAPE_PAGING = 8, /* MaxResults, NextToken: not part of what is asked for */
};

/* For shape_render_with: names begin in lower case, as in audit records. */
#define SHAPE_LOWER_CAMEL 0x100
#define SHAPE_MAX_NAME 64

/* What shape_decode and shape_validate say at most, in bytes. */
#define SHAPE_MAX_MESSAGE 32768

#define SHAPE_NO_MIN INT64_MIN
#define SHAPE_NO_MAX INT64_MAX

struct shape_member {
    struct str name; /* wire name */
    const struct shape *shape;
    enum shape_holds holds;
    unsigned flags;
    size_t offset; /* in the struct behind the structure */
};

struct shape {
    const char *name;
    enum shape_kind kind;
    int64_t min, max;              /* code points of a string, value of a number, entries of a list or map */
    const char *pattern;           /* the model's regular expression, for messages; NULL when there is none */
    bool (*matches)(struct str s); /* decides the pattern; see pattern.h */
    const struct str *values;      /* of an enum; NULL otherwise */
    size_t n_values;
    const struct shape *key;            /* of a map */
    const struct shape *element;        /* of a list or map (value) */
    const struct shape_member *members; /* of a structure */
    size_t n_members;
    size_t size; /* of the struct behind a structure; 0 when it is only ever raw JSON */
};

/* Conditions of shape_decode and shape_validate. */
enum shape_result {
    SHAPE_SYNTAX = 1, /* not JSON, or beyond a limit of the reader */
    SHAPE_TYPE,       /* a value of another type than the model's */
    SHAPE_MEMORY,     /* the arena is exhausted */
    SHAPE_INVALID,    /* constraints are violated */
};

/* Reads the whole text of `reader` into `out`, a zeroed struct of shape->size bytes. Unknown members are checked as
 * JSON and dropped; `null` members are absent; strings point into the reader's text, the rest into `arena`. A null in
 * a list or map stays as an absent element, which shape_validate refuses.
 * 0, SHAPE_SYNTAX, SHAPE_TYPE or SHAPE_MEMORY; for the first two `message` gets one English line that says where and
 * what, such as "Attributes.color: expected a string, found a number". Both mean SerializationException. */
int shape_decode(struct json_reader *reader, const struct shape *shape, void *out, struct arena *arena,
                 struct buf *message);

/* Checks a decoded structure against every constraint of the model. 0 or SHAPE_INVALID; then `message` gets the text
 * of InvalidInput in AWS's form: "2 validation errors detected: Value 'x' at 'name' failed to satisfy constraint:
 * Member must ...; ...". At most 20 violations are listed (all are counted), echoed values are cut at 256 bytes. */
int shape_validate(const struct shape *shape, const void *in, struct buf *message);

/* Appends the JSON of a filled structure; absent members are left out. Nothing for SHAPE_KIND_NOTHING. */
void shape_render(struct buf *buf, const struct shape *shape, const void *out);
/* The same without the top-level members that have one of `flags` (enum shape_member_flags), and as it says. */
void shape_render_with(struct buf *buf, const struct shape *shape, const void *out, unsigned flags);
