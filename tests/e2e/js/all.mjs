// SPDX-License-Identifier: Apache-2.0
// Every operation of Cloud Map through the AWS SDK for JavaScript, as a program would use it.
// ENDPOINT names the daemon; HOST_PREFIX=off keeps the SDK from sending discovery to the `data-` host; NAME is what the
// names of this run begin with.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as sdk from "@aws-sdk/client-servicediscovery";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const { ENDPOINT: endpoint, HOST_PREFIX, NAME: name } = process.env;
const settings = {
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY },
  maxAttempts: 1,
  disableHostPrefix: HOST_PREFIX === "off",
};
const client = new sdk.ServiceDiscoveryClient(settings);

/** call("ListNamespaces", {...}): the output without the SDK's metadata. */
async function call(operation, input = {}) {
  const { $metadata, ...output } = await client.send(new sdk[`${operation}Command`](input));
  assert.equal($metadata.httpStatusCode, 200);
  assert.match($metadata.requestId, /^[0-9a-f-]{36}$/);
  return output;
}

/** An asynchronous call and its success; returns the targets. */
async function done(operation, input) {
  const { OperationId } = await call(operation, input);
  for (;;) {
    const { Operation } = await call("GetOperation", { OperationId });
    assert.notEqual(Operation.Status, "FAIL", Operation.ErrorMessage);
    assert.ok(Operation.CreateDate instanceof Date);
    if (Operation.Status === "SUCCESS") return Operation.Targets;
  }
}

async function all(paginate, key, input) {
  const items = [];
  for await (const page of paginate({ client, pageSize: 2 }, input)) items.push(...page[key]);
  return items;
}

const spaces = {};
let service;
const soa = (TTL) => ({ DnsProperties: { SOA: { TTL } } });
const where = () => ({ NamespaceName: name, ServiceName: "web" });

before(async () => {
  spaces.http = (await done("CreateHttpNamespace", { Name: name, Tags: [{ Key: "k", Value: "v" }] })).NAMESPACE;
  spaces.private = (
    await done("CreatePrivateDnsNamespace", { Name: `${name}.private`, Vpc: "vpc-1", Properties: soa(30) })
  ).NAMESPACE;
  spaces.public = (await done("CreatePublicDnsNamespace", { Name: `${name}.example`, Properties: soa(30) })).NAMESPACE;
  service = (
    await call("CreateService", { Name: "web", NamespaceId: spaces.http, HealthCheckCustomConfig: {} })
  ).Service;
  assert.ok(service.CreateDate instanceof Date);
});

after(() => client.destroy());

test("the caller", async () => {
  const sts = new STSClient(settings);
  assert.equal((await sts.send(new GetCallerIdentityCommand())).Account, "000000000000");
  sts.destroy();
});

test("namespaces", async () => {
  await done("UpdateHttpNamespace", { Id: spaces.http, Namespace: { Description: "new" } });
  await done("UpdatePrivateDnsNamespace", { Id: spaces.private, Namespace: { Description: "new" } });
  await done("UpdatePublicDnsNamespace", { Id: spaces.public, Namespace: { Properties: soa(5) } });
  const { Namespace } = await call("GetNamespace", { Id: spaces.public });
  assert.equal(Namespace.Properties.DnsProperties.SOA.TTL, 5);
  assert.match(Namespace.Properties.DnsProperties.HostedZoneId, /^Z/);
  const filters = [{ Name: "NAME", Values: [name], Condition: "BEGINS_WITH" }];
  const listed = await all(sdk.paginateListNamespaces, "Namespaces", { Filters: filters });
  assert.deepEqual(new Set(listed.map((one) => one.Id)), new Set(Object.values(spaces)));
});

test("services", async () => {
  const { Service } = await call("CreateService", {
    Name: "dns",
    DnsConfig: { NamespaceId: spaces.public, DnsRecords: [{ Type: "A", TTL: 60 }] },
  });
  await done("UpdateService", { Id: Service.Id, Service: { DnsConfig: { DnsRecords: [{ Type: "A", TTL: 5 }] } } });
  const changed = (await call("GetService", { Id: Service.Id })).Service;
  assert.deepEqual(changed.DnsConfig.DnsRecords, [{ Type: "A", TTL: 5 }]);
  const filters = [{ Name: "NAMESPACE_ID", Values: [spaces.public] }];
  const listed = await all(sdk.paginateListServices, "Services", { Filters: filters });
  assert.deepEqual(listed.map((one) => one.Id), [Service.Id]);
  assert.deepEqual(await call("DeleteService", { Id: Service.Id }), {});
});

test("service attributes", async () => {
  const ServiceId = service.Id;
  assert.deepEqual(await call("UpdateServiceAttributes", { ServiceId, Attributes: { a: "1", b: "2" } }), {});
  assert.deepEqual(await call("DeleteServiceAttributes", { ServiceId, Attributes: ["a"] }), {});
  const { ServiceAttributes } = await call("GetServiceAttributes", { ServiceId });
  assert.equal(ServiceAttributes.ServiceArn, service.Arn);
  assert.deepEqual(ServiceAttributes.Attributes, { b: "2" });
});

test("instances, discovery and health", async () => {
  const ServiceId = service.Id;
  for (const i of ["0", "1", "2"])
    await done("RegisterInstance", { ServiceId, InstanceId: `i${i}`, Attributes: { n: i, AWS_INSTANCE_PORT: "80" } });
  const { Instance } = await call("GetInstance", { ServiceId, InstanceId: "i1" });
  assert.deepEqual(Instance.Attributes, { n: "1", AWS_INSTANCE_PORT: "80" });
  assert.equal((await all(sdk.paginateListInstances, "Instances", { ServiceId })).length, 3);

  const sick = { ServiceId, InstanceId: "i0", Status: "UNHEALTHY" };
  assert.deepEqual(await call("UpdateInstanceCustomHealthStatus", sick), {});
  const { Status } = await call("GetInstancesHealthStatus", { ServiceId });
  assert.deepEqual(Status, { i0: "UNHEALTHY", i1: "HEALTHY", i2: "HEALTHY" });

  const ids = async (more) =>
    (await call("DiscoverInstances", { ...where(), ...more })).Instances.map((one) => one.InstanceId).sort();
  assert.deepEqual(await ids({}), ["i1", "i2"]);
  assert.deepEqual(await ids({ HealthStatus: "ALL" }), ["i0", "i1", "i2"]);
  assert.deepEqual(await ids({ QueryParameters: { n: "2" } }), ["i2"]);
  assert.deepEqual(await ids({ OptionalParameters: { n: "1" } }), ["i1"]);
  assert.deepEqual(await ids({ OptionalParameters: { n: "0" } }), ["i1", "i2"]);
  assert.equal((await ids({ MaxResults: 1 })).length, 1);

  const before = (await call("DiscoverInstancesRevision", where())).InstancesRevision;
  await done("DeregisterInstance", { ServiceId, InstanceId: "i0" });
  const behind = await call("DiscoverInstancesRevision", where());
  assert.ok(behind.InstancesRevision > before);
  assert.equal((await call("DiscoverInstances", where())).InstancesRevision, behind.InstancesRevision);
});

test("operations", async () => {
  const filters = [{ Name: "TYPE", Values: ["UPDATE_NAMESPACE"] }, { Name: "NAMESPACE_ID", Values: [spaces.http] }];
  const listed = await all(sdk.paginateListOperations, "Operations", { Filters: filters });
  assert.deepEqual(listed.map((one) => one.Status), ["SUCCESS"]);
});

test("tags", async () => {
  const ResourceARN = service.Arn;
  const Tags = [{ Key: "a", Value: "1" }, { Key: "b", Value: "" }];
  assert.deepEqual(await call("TagResource", { ResourceARN, Tags }), {});
  assert.deepEqual(await call("UntagResource", { ResourceARN, TagKeys: ["a"] }), {});
  assert.deepEqual((await call("ListTagsForResource", { ResourceARN })).Tags, [{ Key: "b", Value: "" }]);
});

test("errors are the SDK's classes", async () => {
  await assert.rejects(call("GetNamespace", { Id: "ns-none" }), (error) => {
    assert.ok(error instanceof sdk.NamespaceNotFound);
    assert.equal(error.message, "Namespace not found");
    return true;
  });
  await assert.rejects(call("CreateService", { Name: "web", NamespaceId: spaces.http }), (error) => {
    assert.ok(error instanceof sdk.ServiceAlreadyExists);
    assert.deepEqual([error.ServiceId, error.ServiceArn], [service.Id, service.Arn]);
    return true;
  });
  await assert.rejects(call("ListNamespaces", { MaxResults: 0 }), sdk.InvalidInput);
  await assert.rejects(call("GetService", {}), sdk.InvalidInput);
});

test("clean up", async () => {
  const ServiceId = service.Id;
  for (const { Id } of await all(sdk.paginateListInstances, "Instances", { ServiceId }))
    await done("DeregisterInstance", { ServiceId, InstanceId: Id });
  await call("DeleteService", { Id: ServiceId });
  for (const Id of Object.values(spaces)) await done("DeleteNamespace", { Id });
  await assert.rejects(call("GetNamespace", { Id: spaces.http }), sdk.NamespaceNotFound);
});
