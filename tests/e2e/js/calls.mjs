// SPDX-License-Identifier: Apache-2.0
// The AWS SDK for JavaScript as a coprocess: a line [operation, input] of JSON in, a line {output} or {error, message}
// out. ENDPOINT names the daemon.
import { createInterface } from "node:readline";
import * as sdk from "@aws-sdk/client-servicediscovery";

const client = new sdk.ServiceDiscoveryClient({
  endpoint: process.env.ENDPOINT,
  region: "us-east-1",
  credentials: { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY },
  maxAttempts: 1,
});

async function call(operation, input) {
  try {
    const { $metadata, ...output } = await client.send(new sdk[`${operation}Command`](input));
    return { output };
  } catch (error) {
    return { error: error.name, message: error.message };
  }
}

for await (const line of createInterface({ input: process.stdin }))
  console.log(JSON.stringify(await call(...JSON.parse(line))));
