// SPDX-License-Identifier: Apache-2.0

// What a Go program sees of a daemon that asks for signatures: client ENDPOINT, credentials from the environment. Prints
// the caller's ARN, how many instances it discovers, and the code that a wrong secret is refused with, a line each.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func config(secret string) aws.Config {
	endpoint := aws.EndpointResolverWithOptionsFunc(func(service, region string, _ ...interface{}) (aws.Endpoint, error) {
		return aws.Endpoint{URL: os.Args[1], SigningRegion: region}, nil
	})
	return aws.Config{
		Region:                      os.Getenv("AWS_REGION"),
		EndpointResolverWithOptions: endpoint,
		Retryer:                     func() aws.Retryer { return aws.NopRetryer{} },
		Credentials: credentials.NewStaticCredentialsProvider(
			os.Getenv("AWS_ACCESS_KEY_ID"), secret, os.Getenv("AWS_SESSION_TOKEN")),
	}
}

func main() {
	ctx, good := context.Background(), config(os.Getenv("AWS_SECRET_ACCESS_KEY"))
	who, err := sts.NewFromConfig(good).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	check(err)
	fmt.Println(aws.ToString(who.Arn))

	// Discovery goes to the host with data- in front.
	found, err := servicediscovery.NewFromConfig(good).DiscoverInstances(ctx, &servicediscovery.DiscoverInstancesInput{
		NamespaceName: aws.String("shop"), ServiceName: aws.String("cart")})
	check(err)
	fmt.Println(len(found.Instances))

	var refused smithy.APIError
	_, err = servicediscovery.NewFromConfig(config("wrong")).ListNamespaces(ctx, &servicediscovery.ListNamespacesInput{})
	if !errors.As(err, &refused) {
		check(fmt.Errorf("a wrong secret: %v", err))
	}
	fmt.Println(refused.ErrorCode())
}
