# SPDX-License-Identifier: Apache-2.0
"""EC2's DescribeInstances (Query in, XML out). It refuses what EC2 refuses: too many filter values, MaxResults with
ids, ids that are malformed or unknown, parameters that it does not know, page tokens that are not its own."""

import re
import secrets
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from support.aws_endpoint import Denied, Endpoint, element, request_id
from support.aws_fleet import STATES

VERSION = "2016-11-15"
NAMESPACE = f"http://ec2.amazonaws.com/doc/{VERSION}/"
FILTERS_MAX, VALUES_MAX, PAGE_MIN, PAGE_MAX = 50, 200, 5, 1000
TOKEN_SECONDS = 600
ID = re.compile(r"i-([0-9a-f]{8}|[0-9a-f]{17})")
KNOWN = re.compile(r"Action|Version|DryRun|MaxResults|NextToken|IncludeManagedResources|InstanceId\.[1-9][0-9]*|"
                   r"Filter\.[1-9][0-9]*\.(Name|Value\.[1-9][0-9]*)")


def _wildcard(value):
    """A filter's value as a pattern: * and ?, taken literally behind a backslash."""
    return re.compile("".join({"*": ".*", "?": "."}.get(part, re.escape(part[-1]))
                              for part in re.findall(r"\\.|.", value, re.S)), re.S)


FIELDS = {
    "instance-id": lambda one: [one.id],
    "instance-state-name": lambda one: [one.state],
    "availability-zone": lambda one: [one.zone],
    "private-ip-address": lambda one: [one.private or ""],
    "ip-address": lambda one: [one.public or ""],
    "tag-key": lambda one: list(one.tags),
    "owner-id": lambda one: [one.account],
}


def _field(name):
    if name.startswith("tag:"):
        return lambda one: [one.tags[name[4:]]] if name[4:] in one.tags else []
    if name not in FIELDS:
        raise Denied(400, "InvalidParameterValue", f"The filter '{name}' is invalid")
    return FIELDS[name]


def _numbered(params, prefix):
    """Filter.1.Name and the like, in order: [(number, rest, value)]."""
    found = []
    for name, value in params.items():
        if name.startswith(prefix + "."):
            number, _, rest = name[len(prefix) + 1:].partition(".")
            found.append((int(number), rest, value))
    return sorted(found)


class Ec2Double(Endpoint):
    SERVICE = "ec2"
    REFUSALS = {"missing": (403, "MissingAuthenticationToken"), "incomplete": (400, "IncompleteSignature"),
                "skew": (400, "RequestExpired"), "scope": (401, "AuthFailure"), "key": (401, "AuthFailure"),
                "expired": (400, "RequestExpired"), "signature": (401, "AuthFailure")}
    THROTTLE, BAD_TOKEN = (503, "RequestLimitExceeded"), (400, "InvalidNextToken")

    def __init__(self, cloud):
        self.page_limit = PAGE_MAX  # EC2 may give less than it was asked for
        self.token_seconds = TOKEN_SECONDS
        self._tokens = {}
        super().__init__(cloud)

    def parse(self, request):
        pairs = parse_qsl(request.body.decode(), keep_blank_values=True)
        params = dict(pairs)
        if len(params) != len(pairs):
            raise Denied(400, "MalformedQueryString", "A parameter came twice.")
        return params.get("Action"), params

    def error(self, status, code, message):
        text = "" if code is None else (
            '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error>' + element("Code", code)
            + element("Message", message) + "</Error></Errors>" + element("RequestID", request_id()) + "</Response>")
        return self.reply(status, text, "text/xml;charset=UTF-8")

    def carry_out(self, call):
        self._check(call.params)
        with call.fleet.lock:
            chosen = self._choose(call)
            page, token = self._page(call, chosen)
            return self.reply(200, self._render(page, token), "text/xml;charset=UTF-8")

    @staticmethod
    def _check(params):
        if params.get("Action") != "DescribeInstances" or params.get("Version") != VERSION:
            raise Denied(400, "InvalidAction", f"The action {params.get('Action')} is not valid for this web service.")
        unknown = [name for name in params if not KNOWN.fullmatch(name)]
        if unknown:
            raise Denied(400, "UnknownParameter", f"The parameter {unknown[0]} is not recognized")
        has_ids = any(name.startswith("InstanceId.") for name in params)
        if has_ids and "MaxResults" in params:
            raise Denied(400, "InvalidParameterCombination", "The parameter instancesSet cannot be used with the "
                         "parameter maxResults")
        size = params.get("MaxResults", "1000")
        if not size.isdigit() or not PAGE_MIN <= int(size) <= PAGE_MAX:
            raise Denied(400, "InvalidParameterValue", f"Value ( {size} ) for parameter maxResults is invalid.")
        for name in ("IncludeManagedResources", "DryRun"):
            if params.get(name, "true") not in ("true", "false"):
                raise Denied(400, "InvalidParameterValue", f"Value for parameter {name} is invalid.")

    def _choose(self, call):
        """The instances that the query means, in a fixed order."""
        shown = [one for one in call.fleet.of(call.account, call.region)
                 if not one.is_managed or call.params.get("IncludeManagedResources") == "true"]
        ids = [value for _, _, value in _numbered(call.params, "InstanceId")]
        bad = [one for one in ids if not ID.fullmatch(one)]
        if bad:
            raise Denied(400, "InvalidInstanceID.Malformed", f'Invalid id: "{bad[0]}"')
        absent = [one for one in ids if one not in {machine.id for machine in shown}]
        if absent:
            raise Denied(400, "InvalidInstanceID.NotFound", f"The instance IDs '{', '.join(absent)}' do not exist")
        chosen = [one for one in shown if not ids or one.id in ids]
        for field, patterns, literals in self._filters(call.params):
            chosen = [one for one in chosen if any(value in literals or any(p.fullmatch(value) for p in patterns)
                                                   for value in field(one))]
        return chosen

    @staticmethod
    def _filters(params):
        """(field, patterns, literal values) of each filter."""
        names, values = {}, {}
        for number, rest, value in _numbered(params, "Filter"):
            if rest == "Name":
                names[number] = value
            else:
                values.setdefault(number, []).append(value)
        if names.keys() != values.keys():
            raise Denied(400, "InvalidParameterValue", "A filter without a name or without values.")
        if len(names) > FILTERS_MAX or any(len(some) > VALUES_MAX for some in values.values()):
            raise Denied(400, "FilterLimitExceeded", "The maximum number of filter values specified on a single call "
                         f"is {VALUES_MAX}")
        for number, name in names.items():
            plain = {value for value in values[number] if not set(value) & set("*?\\")}
            yield _field(name), [_wildcard(value) for value in values[number] if value not in plain], plain

    def _page(self, call, chosen):
        """The page asked for and the token of the next, None behind the last."""
        query = (call.account, call.region, frozenset((k, v) for k, v in call.params.items() if k != "NextToken"))
        start, told = 0, call.params.get("NextToken")
        if told is not None:
            owner, start, born = self._tokens.get(told, (None, 0, 0))
            if owner != query or self.cloud.now() - born > self.token_seconds:
                raise Denied(*self.BAD_TOKEN, "The specified next token is not valid.")
        size = min(int(call.params.get("MaxResults", PAGE_MAX)), self.page_limit)
        if call.skips_page:
            start += size
        end, shown = start + size, 0 if call.repeats_first_page else start
        token = None
        if end < len(chosen):
            token = secrets.token_urlsafe(48)
            self._tokens[token] = (query, end, self.cloud.now())
        return chosen[shown:shown + size], token

    def _render(self, page, token):
        return ('<?xml version="1.0" encoding="UTF-8"?>\n' f'<DescribeInstancesResponse xmlns="{NAMESPACE}">\n    '
                + element("requestId", request_id()) + "\n    <reservationSet>"
                + "".join(_reservation(one) for one in page) + "</reservationSet>\n    "
                + element("nextToken", token) + "\n</DescribeInstancesResponse>")

    @staticmethod
    def with_token(body, token):
        text = re.sub(r"<nextToken>[^<]*</nextToken>", "", body.decode())
        end = "</DescribeInstancesResponse>"
        return text.replace(end, element("nextToken", token) + end).encode()


def _items(name, items):
    return f"<{name}>" + "".join(f"<item>{one}</item>" for one in items) + f"</{name}>" if items else f"<{name}/>"


def _association(public):
    return "" if public is None else ("<association>" + element("publicIp", public) + "<publicDnsName/>"
                                      + element("ipOwnerId", "amazon") + "</association>")


def _interface(one):
    private, public = one.addresses[0]
    addresses = [element("privateIpAddress", near) + element("primary", str(near == private).lower())
                 + _association(far) for near, far in one.addresses]
    return (element("networkInterfaceId", one.id) + element("status", "in-use") + element("privateIpAddress", private)
            + _association(public) + _items("privateIpAddressesSet", addresses)
            + _items("ipv6AddressesSet", [element("ipv6Address", v6) for v6 in one.v6]))


def _instance(one):
    tags = [f"<key>{escape(key)}</key>" + element("value", value) for key, value in one.tags.items()]
    return (element("instanceId", one.id) + element("imageId", "ami-0123456789abcdef0") + "<instanceState>"
            + element("code", STATES[one.state]) + element("name", one.state) + "</instanceState>"
            + element("privateDnsName", "") + element("instanceType", "t3.micro") + element("launchTime", one.launched)
            + "<placement>" + element("availabilityZone", one.zone) + element("tenancy", "default") + "</placement>"
            + element("privateIpAddress", one.private) + element("ipAddress", one.public)
            + _items("tagSet", tags) + _items("networkInterfaceSet", [_interface(i) for i in one.interfaces])
            + element("ipv6Address", one.v6) + "<operator>" + element("managed", str(one.is_managed).lower())
            + "</operator>")


def _reservation(one):
    return ("<item>" + element("reservationId", "r-" + one.id[2:]) + element("ownerId", one.account) + "<groupSet/>"
            + _items("instancesSet", [_instance(one)]) + "</item>")
