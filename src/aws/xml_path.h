/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads one XML answer of an AWS service by a table of paths. An element counts when the whole path from the root to it
 * is in the table; any other is skipped with all that it holds, so that a name never means anything in the wrong place.
 * An answer that ends early, has no or another root, or anything but white space behind it, is refused; so is a
 * document type (and with it every entity but the five of XML), an element that comes twice where one is expected, and
 * whatever exceeds the caps below. One thread at a time. */
#pragma once

#include "aws/aws_client.h"

#define XML_PATH_MAX_NODES 64
#define XML_PATH_MAX_DEPTH 64
#define XML_PATH_MAX_TEXT 4096 /* bytes of one element's text, where it counts */
#define XML_PATH_MAX_SPACE 128 /* bytes of the namespace */

enum xml_path_kind {
    XML_PATH_ONCE, /* holds elements; once in its parent */
    XML_PATH_LIST, /* the same, and nothing but those of the table: one that is overlooked would be missing */
    XML_PATH_MANY, /* holds elements; any number of them */
    XML_PATH_TEXT, /* holds text only; once in its parent */
};

/* One element: its name and where it stands. Nodes are the caller's numbers from 1 to XML_PATH_MAX_NODES - 1. */
struct xml_path_row {
    uint8_t parent; /* the node around it; 0: it is the root */
    uint8_t node;
    enum xml_path_kind kind;
    const char *name;
};

struct xml_path_schema {
    const char *space;               /* what a namespace must start with; elements without one are accepted too */
    const struct xml_path_row *rows; /* the rows of one parent stand together; a single root */
    size_t n_rows;
};

/* What is called in the order of the text. 0 goes on; anything else ends the reading and is its result. */
struct xml_path_handler {
    int (*open)(void *arg, unsigned node);                   /* not for XML_PATH_TEXT */
    int (*close)(void *arg, unsigned node, struct str text); /* text: borrowed; empty but for XML_PATH_TEXT */
    void *arg;
};

/* 0, -ENOMEM, AWS_ODD with a sentence, or what the handler returned. */
int xml_path_read(struct str xml, const struct xml_path_schema *schema, const struct xml_path_handler *handler,
                  struct aws_error *ret_error);
