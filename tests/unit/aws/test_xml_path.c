/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "aws/xml_path.h"
#include "base/mem.h"
#include "fake_aws.h"

#include <errno.h>

enum { ROOT = 1, NAME, LIST, ITEM, VALUE };

static const struct xml_path_row rows[] = {
    { 0, ROOT, XML_PATH_ONCE, "root" },     { ROOT, NAME, XML_PATH_TEXT, "name" },
    { ROOT, LIST, XML_PATH_ONCE, "list" },  { LIST, ITEM, XML_PATH_MANY, "item" },
    { ITEM, VALUE, XML_PATH_TEXT, "name" },
};
static const struct xml_path_schema schema = { "http://good/", rows, TEST_COUNT(rows) };

static int on_open(void *arg, unsigned node)
{
    buf_printf(arg, "<%u", node);
    return 0;
}

static int on_close(void *arg, unsigned node, struct str text)
{
    buf_printf(arg, "%u>" STR_FMT, node, STR_ARG(text));
    return text.n == 4 && memcmp(text.p, "stop", 4) == 0 ? 77 : 0;
}

/* What happened, as text; or the result when it is not 0. */
static const char *read(struct str xml)
{
    static char text[20000];
    struct buf buf;
    struct aws_error error = { 0 };
    buf_init(&buf, sizeof(text) - 1);
    const struct xml_path_handler handler = { on_open, on_close, &buf };
    int r = xml_path_read(xml, &schema, &handler, &error);
    if (r)
        snprintf(text, sizeof(text), "%d", r);
    else
        snprintf(text, sizeof(text), STR_FMT, STR_ARG(buf_str(&buf)));
    assert_true(r != AWS_ODD || error.message[0]);
    buf_fini(&buf);
    return text;
}

#define assert_read(literal, want) assert_string_equal(read(STR(literal)), (want))
#define ODD "4"

static void follows_paths(void **state)
{
    (void)state;
    assert_read("<root/>", "<11>");
    assert_read("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<root><name>a</name></root>\n", "<12>a1>");
    assert_read("<root>x<list><item><name>a</name></item><item><name/></item></list>y</root>", "<1<3<45>a4><45>4>3>1>");
    /* The same names in other places mean nothing. */
    assert_read("<root><item><name>a</name></item><x><root><name>b</name></root><list/></x></root>", "<11>");
    assert_read("<root><list><name>a</name><list><item/></list></list></root>", "<1<33>1>");
    assert_read("<root><name>&lt;a&#x41;&amp;<![CDATA[<b>]]><!-- c --></name></root>", "<12><aA&<b>1>");
}

static void knows_namespaces(void **state)
{
    (void)state;
    assert_read("<root xmlns='http://good/1'><name>a</name></root>", "<12>a1>");
    assert_read("<p:root xmlns:p='http://good/2/'><p:name>a</p:name><name>b</name></p:root>", "<12>a1>");
    assert_read("<root xmlns='http://good/1' xmlns:o='http://good/2'><o:name>a</o:name></root>", "<11>");
    assert_read("<root><name xmlns='http://good/1'>a</name></root>", "<11>");
    assert_read("<root xmlns='http://bad/'/>", ODD);
    assert_read("<root xmlns='http://good'/>", ODD);
    assert_read("<root xmlns='x|http://good/'/>", ODD);
    assert_read("<p:root/>", ODD);
}

static void refuses_what_is_odd(void **state)
{
    (void)state;
    assert_read("", ODD);
    assert_read(" ", ODD);
    assert_read("<other/>", ODD);
    assert_read("<root>", ODD);
    assert_read("<root></root", ODD);
    assert_read("<root></list>", ODD);
    assert_read("<root/>x", ODD);
    assert_read("<root/><root/>", ODD);
    assert_read("<root/><!-- c -->", ODD);
    assert_read("<root/><?pi?>", ODD);
    assert_read("<root/>\0", ODD);
    assert_read("\0<root/>", ODD);
    assert_read("<root><name>a</name><name>a</name></root>", ODD);
    assert_read("<root><list/><list/></root>", ODD);
    assert_read("<root><name>a<b/>c</name></root>", ODD);
    assert_read("<root><name>&nbsp;</name></root>", ODD);
    assert_read("<root><name>\xff</name></root>", ODD);
    assert_read("<!DOCTYPE root><root/>", ODD);
    assert_read("<!DOCTYPE root [<!ENTITY a 'b'>]><root><name>&a;</name></root>", ODD);
    assert_read("<!DOCTYPE root SYSTEM 'file:///etc/passwd'><root/>", ODD);
    assert_read("<?xml version='1.0' encoding='UTF-16'?><root><name/></root>", "<12>1>");
    assert_read("<root><name>stop</name><name></root>", "77");
}

static void caps_depth_and_text(void **state)
{
    (void)state;
    struct buf xml;
    buf_init(&xml, 1 << 20);
    for (unsigned deep = XML_PATH_MAX_DEPTH; deep <= XML_PATH_MAX_DEPTH + 1; deep++) {
        buf_clear(&xml);
        buf_printf(&xml, "<root>");
        for (unsigned i = 1; i < deep; i++)
            buf_printf(&xml, "<a>");
        for (unsigned i = 1; i < deep; i++)
            buf_printf(&xml, "</a>");
        buf_printf(&xml, "</root>");
        assert_string_equal(read(buf_str(&xml)), deep == XML_PATH_MAX_DEPTH ? "<11>" : ODD);
    }
    for (unsigned n = XML_PATH_MAX_TEXT; n <= XML_PATH_MAX_TEXT + 1; n++) {
        buf_clear(&xml);
        buf_printf(&xml, "<root><name>%0*d</name><x>%0*d</x></root>", (int)n, 0, (int)n * 2, 0);
        if (n == XML_PATH_MAX_TEXT)
            assert_int_equal(strlen(read(buf_str(&xml))), 4 + n + 2);
        else
            assert_string_equal(read(buf_str(&xml)), ODD);
    }
    buf_clear(&xml);
    buf_printf(&xml, "<root xmlns='http://good/%0*d'/>", XML_PATH_MAX_SPACE, 0);
    assert_string_equal(read(buf_str(&xml)), ODD);
    buf_fini(&xml);
}

static void survives_without_memory(void **state)
{
    (void)state;
    static const char xml[] = "<root xmlns='http://good/'><list a='1'><item><name>a</name></item></list></root>";
    char text[256];
    for (long k = 1;; k++) {
        struct buf buf;
        struct aws_error error;
        buf_init(&buf, sizeof(text));
        buf_reserve(&buf, sizeof(text));
        const struct xml_path_handler handler = { on_open, on_close, &buf };
        mem_fail_at(k, 0);
        int r = xml_path_read(str_of(xml), &schema, &handler, &error);
        bool failed = mem_fail_at(0, 0);
        buf_fini(&buf);
        assert_int_equal(r, failed ? -ENOMEM : 0);
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_paths),           cmocka_unit_test(knows_namespaces),
        cmocka_unit_test(refuses_what_is_odd),     cmocka_unit_test(caps_depth_and_text),
        cmocka_unit_test(survives_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
