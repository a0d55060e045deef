# SPDX-License-Identifier: Apache-2.0
"""A double of AWS for one test: EC2, SQS, STS and the credential endpoints, each on a port of its own, over one fleet
and one set of keys."""

import contextlib

from support.aws_credentials_double import CONTAINER_PATH, CredentialsDouble
from support.aws_ec2_double import Ec2Double
from support.aws_endpoint import Cloud
from support.aws_sqs_double import SqsDouble
from support.aws_sts_double import StsDouble


class AwsDouble:
    def __init__(self, **members):
        self.cloud = Cloud(**members)
        self.fleet = self.cloud.fleet
        self.ec2, self.sqs, self.sts = Ec2Double(self.cloud), SqsDouble(self.cloud), StsDouble(self.cloud)
        self.machine = CredentialsDouble(self.cloud)
        self.endpoints = [self.ec2, self.sqs, self.sts, self.machine]

    def close(self):
        for one in self.endpoints:
            one.close()

    @property
    def key(self):
        return self.cloud.key

    def urls(self):
        """The environment that leads a client here."""
        return {"AWS_ENDPOINT_URL_EC2": self.ec2.url, "AWS_ENDPOINT_URL_SQS": self.sqs.url,
                "AWS_ENDPOINT_URL_STS": self.sts.url, "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.machine.url}

    @property
    def container_url(self):
        return self.machine.url + CONTAINER_PATH


@contextlib.contextmanager
def aws_double(**members):
    double = AwsDouble(**members)
    try:
        yield double
    finally:
        double.close()
