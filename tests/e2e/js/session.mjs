// SPDX-License-Identifier: Apache-2.0
// A role's session through the AWS SDK for JavaScript: AssumeRole, who it is, and a discovery, which the SDK sends to the
// `data-` host. ENDPOINT names the daemon, ROLE the role. Prints the session's ARN and what was discovered.

import { DiscoverInstancesCommand, ListNamespacesCommand, ServiceDiscoveryClient } from "@aws-sdk/client-servicediscovery";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const { ENDPOINT: endpoint, ROLE: RoleArn } = process.env;
const settings = { endpoint, region: "us-east-1", maxAttempts: 1 };
const credentials = { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY };

const { Credentials } = await new STSClient({ ...settings, credentials }).send(
  new AssumeRoleCommand({ RoleArn, RoleSessionName: "js" }),
);
const session = {
  accessKeyId: Credentials.AccessKeyId,
  secretAccessKey: Credentials.SecretAccessKey,
  sessionToken: Credentials.SessionToken,
};
const identity = await new STSClient({ ...settings, credentials: session }).send(new GetCallerIdentityCommand({}));
const client = new ServiceDiscoveryClient({ ...settings, credentials: session });

// The host that a call was sent to, as the SDK made it.
let host;
client.middlewareStack.add(
  (next) => (args) => {
    host = args.request.hostname;
    return next(args);
  },
  { step: "finalizeRequest", priority: "low" },
);
const names = { NamespaceName: "shop", ServiceName: "cart" };
const { Instances } = await client.send(new DiscoverInstancesCommand(names));
console.log(JSON.stringify({ arn: identity.Arn, host, instances: Instances.map((one) => one.InstanceId) }));
await client.send(new ListNamespacesCommand({})).then(
  () => console.log("allowed"),
  (error) => console.log(error.name),
);
