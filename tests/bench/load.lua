-- SPDX-License-Identifier: Apache-2.0
-- What wrk sends: wrk -s load.lua URL -- KIND ARGUMENT...   The last line of its output is the result as JSON.
--
--   call OPERATION BODY [DATE AUTHORIZATION]   one call, again and again; with a signature of its own
--   flood OPERATION                  calls without a signature, a hundred a second on each connection
--   knock PAUSE                      a connection for each request, so many ms after the one before it in its place
--   query NAMESPACE SERVICE COUNT    DiscoverInstances by one of COUNT values of the attribute `shard`
--   register SERVICES FIRST SIZE     RegisterInstance of new ids from FIRST on, spread over the services of the file,
--                                    values of SIZE bytes in all
--   fill SERVICES FIRST LAST         four attributes each; says `filled` when all of [FIRST, LAST) are
--                                    acknowledged, and goes on with nothing of use until it is interrupted
--   renew SERVICE COUNT              RegisterInstance of the ids [0, COUNT) of one service, again and again
--   churn SERVICE FIRST KEEP         RegisterInstance of a new id, then DeregisterInstance of the KEEP-th before it
--   put FIRST SIZE                   etcd's put of a new key

-- As an SDK sends them: about 700 bytes.
local HEADERS = {
    ["Accept-Encoding"] = "identity",
    ["Content-Type"] = "application/x-amz-json-1.1",
    ["User-Agent"] = "Boto3/1.26.27 Python/3.11.2 Linux/6.1.0-37-amd64 Botocore/1.29.27 md/Botocore#1.29.27 " ..
        "ua/2.0 os/linux#6.1.0-37-amd64 md/arch#x86_64 lang/python#3.11.2 md/pyimpl#CPython",
    ["X-Amz-Date"] = "20260101T120000Z",
    ["Authorization"] = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/servicediscovery/" ..
        "aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, " ..
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    ["amz-sdk-invocation-id"] = "3f2b6c1e-8a57-4d0e-9c1b-5e7f0a2d4b68",
    ["amz-sdk-request"] = "attempt=1",
}

local function spare()
    return wrk.format("GET", "/healthz")
end

local function target(operation)
    return "Route53AutoNaming_v20170314." .. operation
end

local function call(operation, body)
    HEADERS["X-Amz-Target"] = target(operation)
    return wrk.format("POST", "/", HEADERS, body)
end

local function lines_of(path)
    local lines = {}
    for line in io.lines(path) do
        lines[#lines + 1] = line
    end
    return lines
end

-- Four attributes of 66 bytes in all, as bench/scale.py counts them.
local function four(n)
    return string.format(
        '{"AWS_INSTANCE_IPV4":"10.%d.%d.%d","AWS_INSTANCE_PORT":"8080","shard":"s%08d","zone":"z%d"}',
        100 + math.floor(n / 10000) % 100, 100 + math.floor(n / 100) % 100, 100 + n % 100, math.floor(n / 10), n % 3)
end

local function register(service, n, attributes)
    return call("RegisterInstance", string.format(
        '{"ServiceId":"%s","InstanceId":"i-%08d","CreatorRequestId":"c-%08d","Attributes":%s}',
        service, n, n, attributes))
end

local kinds = {}

function kinds.call(operation, body, date, authorization)
    -- no function: wrk then sends ready bytes, without asking Lua each time
    if date then
        HEADERS["X-Amz-Date"], HEADERS["Authorization"] = date, authorization
    end
    HEADERS["X-Amz-Target"] = target(operation)
    HEADERS["Host"] = wrk.headers["Host"]
    wrk.method, wrk.headers, wrk.body = "POST", HEADERS, body
end

function kinds.flood(operation)
    function delay()
        return 10
    end
    HEADERS["Authorization"] = nil
    kinds.call(operation, "{}")
end

function kinds.knock(pause)
    function delay()
        return tonumber(pause)
    end
    wrk.path, wrk.headers["Connection"] = "/healthz", "close"
end

function kinds.query(namespace, service, count)
    local n = 0
    return function()
        n = (n + 7919) % tonumber(count)
        return call("DiscoverInstances", string.format(
            '{"NamespaceName":"%s","ServiceName":"%s","QueryParameters":{"shard":"s%08d"}}', namespace, service, n))
    end
end

function kinds.register(path, first, size)
    local services, n = lines_of(path), tonumber(first)
    local value = string.rep("v", math.floor(tonumber(size) / 4))
    local attributes = string.format('{"one":"%s","two":"%s","three":"%s","four":"%s"}', value, value, value, value)
    return function()
        n = n + 1
        return register(services[n % #services + 1], n, attributes)
    end
end

function kinds.fill(path, first, last)
    local services, n, done = lines_of(path), tonumber(first), 0
    local total = tonumber(last) - n
    function response(status, _, body)
        if body:find("OperationId", 1, true) then
            done = done + 1
        end
        if done == total or status ~= 200 then
            io.write(done == total and "filled\n" or "refused: " .. body .. "\n")
            io.flush()
        end
    end
    return function()
        if n == tonumber(last) then
            return spare()
        end
        n = n + 1
        return register(services[(n - 1) % #services + 1], n - 1, four(n - 1))
    end
end

function kinds.renew(service, count)
    local n = -1
    return function()
        n = n + 1
        return register(service, n % tonumber(count), four(n))
    end
end

function kinds.churn(service, first, keep)
    local n, old = tonumber(first), false
    return function()
        old = not old
        if old then
            n = n + 1
            return register(service, n, four(n))
        end
        return call("DeregisterInstance", string.format('{"ServiceId":"%s","InstanceId":"i-%08d"}', service,
            n - tonumber(keep)))
    end
end

local BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function base64(text) -- of a multiple of three bytes
    return (text:gsub("...", function(three)
        local a, b, c = three:byte(1, 3)
        local bits = a * 65536 + b * 256 + c
        local out = ""
        for shift = 3, 0, -1 do
            local at = math.floor(bits / 64 ^ shift) % 64 + 1
            out = out .. BASE64:sub(at, at)
        end
        return out
    end))
end

function kinds.put(first, size)
    local n = tonumber(first)
    local value = base64(string.rep("v", math.floor(tonumber(size) / 3) * 3))
    local headers = { ["Content-Type"] = "application/json" }
    return function()
        n = n + 1
        return wrk.format("POST", "/v3/kv/put", headers,
            string.format('{"key":"%s","value":"%s"}', base64(string.format("key/%011d", n)), value))
    end
end

function init(arguments)
    local make = kinds[arguments[1]](unpack(arguments, 2))
    if make then
        -- wrk asks for one request to look at, which it does not send
        request = function()
            request = make
            return spare()
        end
    end
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format('\n{"requests":%d,"seconds":%f,"p50":%f,"p99":%f,"bytes":%d,"refused":%d,"broken":%d}\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99), summary.bytes,
        errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
