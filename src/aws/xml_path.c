/* SPDX-License-Identifier: Apache-2.0
 *
 * Expat driven by a table. Names come as NAMESPACE|NAME; the namespace of the root is that of all elements that count.
 * Expat may call on for a moment after it was told to stop, so every handler first looks whether it was. */
#include "aws/xml_path.h"
#include "base/mem.h"

#include <errno.h>
#include <expat.h>
#include <limits.h>

#define SEPARATOR '|'

struct reader {
    XML_Parser parser;
    const struct xml_path_schema *schema;
    const struct xml_path_handler *handler;
    struct aws_error *error;
    int result;
    unsigned depth;   /* open elements */
    unsigned skipped; /* the innermost of them that do not count */
    const struct xml_path_row *path[XML_PATH_MAX_DEPTH];
    uint64_t seen;                         /* nodes that came in the elements that are open */
    uint64_t children[XML_PATH_MAX_NODES]; /* nodes that may stand in this one */
    uint8_t first_row[XML_PATH_MAX_NODES]; /* of those that may stand in this one */
    char space[XML_PATH_MAX_SPACE];        /* the root's, with the separator */
    size_t n_space;
    size_t end; /* offset behind the root */
    size_t n_text;
    char text[XML_PATH_MAX_TEXT];
};

static void stop(struct reader *reader, int result)
{
    reader->result = result;
    XML_StopParser(reader->parser, XML_FALSE);
}

static void refuse(struct reader *reader, const char *what)
{
    stop(reader, aws_client_fail(reader->error, AWS_ODD, "the answer's XML %s at byte %lld", what,
                                 (long long)XML_GetCurrentByteIndex(reader->parser)));
}

static void index_rows(struct reader *reader)
{
    const struct xml_path_schema *schema = reader->schema;
    ASSERT(schema->n_rows <= UINT8_MAX);
    for (size_t i = schema->n_rows; i-- > 0;) {
        const struct xml_path_row *row = &schema->rows[i];
        ASSERT(row->parent < XML_PATH_MAX_NODES && row->node > 0 && row->node < XML_PATH_MAX_NODES);
        reader->first_row[row->parent] = (uint8_t)i;
        reader->children[row->parent] |= UINT64_C(1) << row->node;
    }
}

/* The row of an element of this name in this node, or NULL. */
static const struct xml_path_row *find_row(const struct reader *reader, unsigned parent, const char *name)
{
    if (!reader->children[parent])
        return NULL;
    const struct xml_path_schema *schema = reader->schema;
    for (size_t i = reader->first_row[parent]; i < schema->n_rows && schema->rows[i].parent == parent; i++)
        if (strcmp(schema->rows[i].name, name) == 0)
            return &schema->rows[i];
    return NULL;
}

/* Takes the namespace from the root's name. Returns whether it is one of the service's. */
static bool adopt_space(struct reader *reader, const char *name)
{
    const char *separator = strrchr(name, SEPARATOR);
    if (!separator)
        return true;
    reader->n_space = (size_t)(separator - name) + 1;
    if (reader->n_space > sizeof(reader->space) || strncmp(name, reader->schema->space, strlen(reader->schema->space)))
        return false;
    memcpy(reader->space, name, reader->n_space);
    return true;
}

/* The row of an element that opens now; NULL when it is to be skipped. */
static const struct xml_path_row *match(struct reader *reader, const char *name)
{
    if (reader->depth == 0 && !adopt_space(reader, name))
        return NULL;
    if (strncmp(name, reader->space, reader->n_space))
        return NULL;
    unsigned parent = reader->depth ? reader->path[reader->depth - 1]->node : 0;
    return find_row(reader, parent, name + reader->n_space);
}

static void on_open(void *arg, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *reader = arg;
    (void)attributes;
    if (reader->result)
        return;
    if (reader->depth == XML_PATH_MAX_DEPTH) {
        refuse(reader, "is nested too deep");
        return;
    }
    const struct xml_path_row *row = reader->skipped ? NULL : match(reader, name);
    if (!row && reader->depth == 0) {
        refuse(reader, "has another root than expected");
        return;
    }
    if (!reader->skipped && reader->depth && reader->path[reader->depth - 1]->kind == XML_PATH_TEXT) {
        refuse(reader, "has an element where text belongs");
        return;
    }
    if (!row && !reader->skipped && reader->path[reader->depth - 1]->kind == XML_PATH_LIST) {
        refuse(reader, "has an unknown element in a list");
        return;
    }
    reader->path[reader->depth++] = row;
    if (!row) {
        reader->skipped++;
        return;
    }
    uint64_t bit = UINT64_C(1) << row->node;
    if (row->kind != XML_PATH_MANY && (reader->seen & bit)) {
        refuse(reader, "has an element twice");
        return;
    }
    reader->seen = (reader->seen | bit) & ~reader->children[row->node];
    reader->n_text = 0;
    int r = row->kind == XML_PATH_TEXT ? 0 : reader->handler->open(reader->handler->arg, row->node);
    if (r)
        stop(reader, r);
}

static void on_text(void *arg, const XML_Char *text, int n)
{
    struct reader *reader = arg;
    if (reader->result || reader->skipped || !reader->depth || reader->path[reader->depth - 1]->kind != XML_PATH_TEXT)
        return;
    if ((size_t)n > sizeof(reader->text) - reader->n_text) {
        refuse(reader, "has too long a text");
        return;
    }
    memcpy(reader->text + reader->n_text, text, (size_t)n);
    reader->n_text += (size_t)n;
}

static void on_close(void *arg, const XML_Char *name)
{
    struct reader *reader = arg;
    (void)name;
    if (reader->result)
        return;
    const struct xml_path_row *row = reader->path[--reader->depth];
    if (reader->depth == 0)
        reader->end = (size_t)XML_GetCurrentByteIndex(reader->parser) + (size_t)XML_GetCurrentByteCount(reader->parser);
    if (!row) {
        reader->skipped--;
        return;
    }
    struct str text = { reader->text, row->kind == XML_PATH_TEXT ? reader->n_text : 0 };
    int r = reader->handler->close(reader->handler->arg, row->node, text);
    if (r)
        stop(reader, r);
}

static void on_doctype(void *arg, const XML_Char *name, const XML_Char *system_id, const XML_Char *public_id, int inner)
{
    struct reader *reader = arg;
    (void)name, (void)system_id, (void)public_id, (void)inner;
    if (!reader->result)
        refuse(reader, "has a document type");
}

/* What is left to say when expat has seen the whole text. */
static int conclude(struct reader *reader, struct str xml, enum XML_Status status)
{
    if (reader->result)
        return reader->result;
    if (status != XML_STATUS_OK) {
        enum XML_Error code = XML_GetErrorCode(reader->parser);
        if (code == XML_ERROR_NO_MEMORY)
            return -ENOMEM;
        return aws_client_fail(reader->error, AWS_ODD, "the answer is not well-formed XML: %s at byte %lld",
                               XML_ErrorString(code), (long long)XML_GetCurrentByteIndex(reader->parser));
    }
    for (size_t i = reader->end; i < xml.n; i++)
        if (!memchr(" \t\r\n", xml.p[i], 4))
            return aws_client_fail(reader->error, AWS_ODD, "the answer goes on behind its root element at byte %zu", i);
    return 0;
}

int xml_path_read(struct str xml, const struct xml_path_schema *schema, const struct xml_path_handler *handler,
                  struct aws_error *ret_error)
{
    static const XML_Memory_Handling_Suite memory = { mem_alloc, mem_realloc, mem_free };
    static const XML_Char separator[] = { SEPARATOR, '\0' };
    struct reader reader = { .schema = schema, .handler = handler, .error = ret_error };
    if (xml.n > INT_MAX)
        return aws_client_fail(ret_error, AWS_ODD, "the answer is too long: %zu bytes", xml.n);
    index_rows(&reader);
    reader.parser = XML_ParserCreate_MM("UTF-8", &memory, separator);
    if (!reader.parser)
        return -ENOMEM;
    XML_SetUserData(reader.parser, &reader);
    XML_SetElementHandler(reader.parser, on_open, on_close);
    XML_SetCharacterDataHandler(reader.parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
    enum XML_Status status = XML_Parse(reader.parser, xml.p, (int)xml.n, XML_TRUE);
    int r = conclude(&reader, xml, status);
    XML_ParserFree(reader.parser);
    return r;
}
