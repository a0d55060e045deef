# SPDX-License-Identifier: Apache-2.0
"""cloud-unmap finds its credentials, region and endpoints as AWS's SDKs do. Every service here checks every signature,
so a round that ends well was signed with the right key."""

import json
import stat

import pytest

from support import faults
from support.aws_fleet import ACCOUNT
from support.sdk import REGION
from support.tls_front import certificate, tls_front

OTHER, FAR = "111122223333", "eu-west-1"
HURRY = ("--deadline", "300ms")  # no time to try again
NONE = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}


@pytest.fixture
def full(world):
    world.live(2)
    world.victim = world.dead()[0]
    return world


def works(world, *words, env, key=None, **more):
    """The round ends well and was signed by this key; returns the ids of the keys that EC2 saw."""
    done = world.run(*words, env=env, **more)
    assert done.code == 0, done
    assert world.victim.id not in world.registered()
    keys = {one.key_id for one in world.ec2.called("DescribeInstances")}
    assert key is None or keys == {key.id}, keys
    return keys


def fails(world, *words, env):
    done = world.run(*words, env=env)
    assert done.code == 1, done
    assert world.victim.id in world.registered() and world.ec2.called() == []
    return done


def files(world, config="", credentials=""):
    home = world.base / ".aws"
    home.mkdir(exist_ok=True)
    (home / "config").write_text(config)
    (home / "credentials").write_text(credentials)


def keys_of(key):
    token = f"aws_session_token = {key.token}\n" if key.token else ""
    return f"aws_access_key_id = {key.id}\naws_secret_access_key={key.secret}\n{token}"


class TestEnvironment:
    def test_keys(self, full):
        works(full, env=full.env(), key=full.amazon.key)

    def test_session(self, full):
        key = full.amazon.cloud.add_key(seconds=3600)
        works(full, env=full.env(key), key=key)

    def test_they_come_before_the_files(self, full):
        files(full, credentials="[default]\naws_access_key_id = AKIANOBODY\naws_secret_access_key = x\n")
        works(full, env=full.env(), key=full.amazon.key)

    def test_half_a_pair_is_an_error(self, full):
        files(full, credentials="[default]\n" + keys_of(full.amazon.key))
        assert "AWS_SECRET_ACCESS_KEY" in fails(full, env=full.env(AWS_SECRET_ACCESS_KEY=None)).err

    def test_none_at_all(self, full):
        fails(full, env=full.env(**NONE))

    def test_an_expired_session(self, full):
        key = full.amazon.cloud.add_key(seconds=-5)
        done = full.run(env=full.env(key))
        assert done.code == 1 and full.victim.id in full.registered(), done


class TestFiles:
    @pytest.mark.parametrize("is_config", [True, False])
    def test_default(self, full, is_config):
        text = "# mine\n[default]\n" + keys_of(full.amazon.cloud.add_key(seconds=3600))
        files(full, **{"config" if is_config else "credentials": text})
        works(full, env=full.env(**NONE))

    def test_profile(self, full):
        key = full.amazon.cloud.add_key()
        files(full, credentials="[default]\naws_access_key_id = AKIANOBODY\naws_secret_access_key = x\n"
                                "[mine]\n" + keys_of(key))
        works(full, env=full.env(**NONE, AWS_PROFILE="mine"), key=key)

    def test_other_places(self, full):
        key, place = full.amazon.cloud.add_key(), full.base / "elsewhere"
        place.write_text("[profile mine]\n" + keys_of(key))
        works(full, env=full.env(**NONE, AWS_PROFILE="mine", AWS_CONFIG_FILE=place), key=key)

    def test_no_such_profile(self, full):
        files(full, credentials="[default]\n" + keys_of(full.amazon.key))
        assert "nobody" in fails(full, env=full.env(**NONE, AWS_PROFILE="nobody")).err

    def test_credential_process(self, full):
        key, script = full.amazon.cloud.add_key(seconds=3600), full.base / "give me keys"
        answer = {"Version": 1, "AccessKeyId": key.id, "SecretAccessKey": key.secret, "SessionToken": key.token,
                  "Expiration": "2099-01-01T00:00:00Z"}
        script.write_text("#!/bin/sh\ntest \"$1\" = 'a b' || exit 1\ncat <<'X'\n" + json.dumps(answer) + "\nX\n")
        script.chmod(stat.S_IRWXU)
        files(full, config=f"[default]\ncredential_process = \"{script}\" 'a b'\n")
        works(full, env=full.env(**NONE), key=key)

    @pytest.mark.parametrize("text", [
        "exit 1", "echo nonsense", "echo '{\"Version\":2}'", "yes", "echo '{\"Version\":1,\"AccessKeyId\":\"a\"}'"])
    def test_a_credential_process_that_fails(self, full, text):
        script = full.base / "process"
        script.write_text(f"#!/bin/sh\n{text}\n")
        script.chmod(stat.S_IRWXU)
        files(full, config=f"[default]\ncredential_process = {script}\n")
        fails(full, env=full.env(**NONE))


class TestRoles:
    def test_source_profile(self, full):
        key, arn = full.amazon.cloud.add_key(), full.amazon.cloud.add_role("unmap", external_id="x1")
        files(full, config=f"[profile role]\nrole_arn = {arn}\nsource_profile = base\nexternal_id = x1\n"
                           "role_session_name = unmap-test\n", credentials="[base]\n" + keys_of(key))
        (used,) = works(full, env=full.env(**NONE, AWS_PROFILE="role"))
        (call,) = full.sts.called("AssumeRole")
        assert (call.key_id, call.params["RoleSessionName"]) == (key.id, "unmap-test") and used != key.id

    def test_a_chain_of_roles(self, full):
        key = full.amazon.cloud.add_key()
        first, second = full.amazon.cloud.add_role("first"), full.amazon.cloud.add_role("second")
        files(full, config=f"[profile two]\nrole_arn = {second}\nsource_profile = one\n"
                           f"[profile one]\nrole_arn = {first}\nsource_profile = base\n",
              credentials="[base]\n" + keys_of(key))
        works(full, env=full.env(**NONE, AWS_PROFILE="two"))
        assert [one.params["RoleArn"] for one in full.sts.called("AssumeRole")] == [first, second]

    def test_credential_source(self, full):
        arn = full.amazon.cloud.add_role("unmap")
        files(full, config=f"[profile role]\nrole_arn = {arn}\ncredential_source = Environment\n")
        done = full.run(env=full.env(AWS_PROFILE="role"))
        assert done.code == 0, done

    @pytest.mark.parametrize("text", [
        "role_arn = {arn}\n", "role_arn = {arn}\nsource_profile = role\n", "role_arn = {arn}\nsource_profile = none\n",
        "role_arn = {arn}\nsource_profile = base\ncredential_source = Environment\n",
        "role_arn = {arn}\nsource_profile = base\nmfa_serial = arn:aws:iam::1:mfa/x\n"])
    def test_wrong_profiles(self, full, text):
        arn = full.amazon.cloud.add_role("unmap")
        files(full, config="[profile role]\n" + text.format(arn=arn), credentials="[base]\n" + keys_of(full.amazon.key))
        fails(full, env=full.env(**NONE, AWS_PROFILE="role"))

    def test_role_arn_for_both_sides(self, full):
        arn = full.amazon.cloud.add_role("unmap")
        (used,) = works(full, "--role-arn", arn, env=full.env())
        assert {one.key_id for one in full.cloud_map.called()} == {used} != {full.amazon.key.id}

    def test_instances_role_arn(self, world):
        """The registry in one account, the instances in another."""
        arn = world.amazon.cloud.add_role("reader", OTHER)
        world.live(2, account=OTHER)
        world.victim = world.dead(account=OTHER)[0]
        (used,) = works(world, "--role-arn-ec2", arn, "--account-id", OTHER, env=world.env())
        assert {one.key_id for one in world.cloud_map.called()} == {world.amazon.key.id} != {used}

    def test_roles_of_targets(self, world):
        """Two targets, two accounts, one process; each pair of account and region is listed once."""
        arns = [world.amazon.cloud.add_role(f"reader{n}", f"{n}" * 12) for n in (1, 2)]
        services = [world.add_service(), world.add_service()]
        for n, one in enumerate(services, 1):
            world.live(2, service=one, account=f"{n}" * 12)
            world.dead(service=one, account=f"{n}" * 12)
        file = world.base / "two.conf"
        file.write_text(f"service-region = {REGION}\ninstances-region = {REGION}\n" +
                        "".join(f"[target t{n}]\nservice-id = {one}\nrole-arn-ec2 = {arn}\n"
                                for n, (one, arn) in enumerate(zip(services, arns))))
        done = world.command("--config", file, "--single-run", "--state-dir", world.state)
        assert done.code == 0, done
        assert [len(world.registered(one)) for one in services] == [2, 2]
        assert sorted(one.account for one in world.ec2.called("DescribeInstances")) == ["1" * 12, "2" * 12]

    def test_web_identity(self, full):
        arn, file = full.amazon.cloud.add_role("pod"), full.base / "token"
        file.write_text("a.web.token")
        full.amazon.sts.web_tokens.add("a.web.token")
        env = full.env(**NONE, AWS_WEB_IDENTITY_TOKEN_FILE=file, AWS_ROLE_ARN=arn, AWS_ROLE_SESSION_NAME="pod")
        works(full, env=env)
        assert full.sts.calls[0].request.header("authorization") is None

    def test_web_identity_without_a_role(self, full):
        file = full.base / "token"
        file.write_text("a.web.token")
        fails(full, env=full.env(**NONE, AWS_WEB_IDENTITY_TOKEN_FILE=file))


class TestMachines:
    def test_container(self, full):
        full.amazon.machine.authorization = "Bearer abc"
        works(full, env=full.env(**NONE, AWS_CONTAINER_CREDENTIALS_FULL_URI=full.amazon.container_url,
                                 AWS_CONTAINER_AUTHORIZATION_TOKEN="Bearer abc"))

    def test_container_with_a_token_file(self, full):
        file = full.base / "authorization"
        file.write_text("from a file")
        full.amazon.machine.authorization = "from a file"
        works(full, env=full.env(**NONE, AWS_CONTAINER_CREDENTIALS_FULL_URI=full.amazon.container_url,
                                 AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=file, AWS_CONTAINER_AUTHORIZATION_TOKEN="no"))

    @pytest.mark.parametrize("changes", [
        {"AWS_CONTAINER_AUTHORIZATION_TOKEN": "wrong"}, {"AWS_CONTAINER_AUTHORIZATION_TOKEN": "a\r\nX-Evil: 1"},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/keys"},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1.example.com/keys"}])
    def test_a_container_that_fails(self, full, changes):
        full.amazon.machine.authorization = "right"
        env = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": full.amazon.container_url} | changes
        fails(full, env=full.env(**NONE, **env))

    def test_instance_metadata(self, full):
        works(full, env=full.env(**NONE, AWS_EC2_METADATA_DISABLED=None))
        assert [one.action for one in full.amazon.machine.called()][:3] == ["token", "role", "credentials"]

    @pytest.mark.parametrize("action, fault", [
        ("token", faults.Status(403, "Forbidden")), ("token", faults.Status(400, "BadRequest")),
        ("role", faults.Status(404, "NotFound")), ("credentials", faults.Body(b'{"Code":"Failed"}')),
        ("credentials", faults.Body(b"<html>")), ("credentials", faults.Shorten(50))], ids=repr)
    def test_instance_metadata_that_fails(self, full, action, fault):
        full.amazon.machine.breaks(fault, action)
        fails(full, env=full.env(**NONE, AWS_EC2_METADATA_DISABLED=None))
        assert all(one.action == "token" or one.request.header("x-aws-ec2-metadata-token")
                   for one in full.amazon.machine.called())  # never without a session

    def test_it_is_never_asked_through_a_proxy(self, full):
        """Others are (and could not be reached here, but for NO_PROXY)."""
        here = {name: url.replace("127.0.0.1", "localhost") for name, url in full.env().items()
                if name.startswith("AWS_ENDPOINT_URL")}
        env = full.env(**NONE, **here, AWS_EC2_METADATA_DISABLED=None, http_proxy="http://127.0.0.1:1")
        fails(full, *HURRY, env=env)
        assert full.amazon.machine.called("credentials")
        works(full, env=env | {"NO_PROXY": "localhost", "no_proxy": "localhost"})

    def test_it_can_be_switched_off(self, full):
        fails(full, env=full.env(**NONE, AWS_EC2_METADATA_DISABLED="true"))
        assert full.amazon.machine.called() == []


class TestRefresh:
    def test_before_they_expire(self, full):
        """No round fails because a session ended."""
        arn = full.amazon.cloud.add_role("unmap")
        full.sts.session_seconds = 2
        loop = full.loop("--role-arn", arn)
        full.sts.wait_for_calls(2, "AssumeRole")
        full.rounds(2)
        assert loop.stop() == 0
        assert len({one.key_id for one in full.ec2.called("DescribeInstances")}) >= 2
        assert loop.told("unmap_unknown") == []

    def test_not_before(self, full):
        arn = full.amazon.cloud.add_role("unmap")
        loop = full.loop("--role-arn", arn)
        full.rounds(4)
        assert loop.stop() == 0
        assert len(full.sts.called("AssumeRole")) == 1

    def test_a_session_that_was_ended(self, full):
        """The service says that the token expired: the source is asked again."""
        arn = full.amazon.cloud.add_role("unmap")
        loop = full.loop("--role-arn", arn)
        full.rounds(2)
        with full.amazon.cloud.lock:
            for one in full.amazon.cloud.keys.values():
                if one.token:
                    one.expires = full.amazon.cloud.now() - 1
        full.sts.wait_for_calls(2, "AssumeRole")
        full.ec2.forget_calls()
        full.ec2.wait_for_calls(2, "DescribeInstances")
        assert loop.stop() == 0
        assert full.ec2.called()[-1].status == 200

    def test_web_identity_reads_its_file_anew(self, full):
        arn, file = full.amazon.cloud.add_role("pod"), full.base / "token"
        file.write_text("first.web.token")
        full.sts.web_tokens |= {"first.web.token", "second.web.token"}
        full.sts.session_seconds = 2
        loop = full.loop(env=full.env(**NONE, AWS_WEB_IDENTITY_TOKEN_FILE=file, AWS_ROLE_ARN=arn))
        full.sts.wait_for_calls(1, "AssumeRoleWithWebIdentity")
        file.write_text("second.web.token")
        full.sts.wait_for_calls(2, "AssumeRoleWithWebIdentity")
        assert loop.stop() == 0
        assert full.sts.called()[-1].params["WebIdentityToken"] == "second.web.token"

    def test_short_sessions_are_not_renewed_each_round(self, full):
        """They are due from the start (10 minutes before the end), but STS is not stormed."""
        full.sts.session_seconds = 540
        loop = full.loop("--role-arn", full.amazon.cloud.add_role("unmap"))
        full.rounds(4)
        assert loop.stop() == 0
        assert len(full.sts.called("AssumeRole")) == 1 and loop.told("unmap_unknown") == []


class TestClock:
    @pytest.mark.parametrize("skew", [3600, -3600, 86400 * 365])
    def test_a_wrong_clock_is_corrected(self, full, skew):
        """AWS's time is another than the machine's."""
        full.amazon.cloud.skew = skew
        done = full.run()
        assert done.code == 0, done
        assert full.victim.id not in full.registered()
        assert [one.status for one in full.ec2.called()] in ([400, 200], [200])

    def test_small_differences_are_left_alone(self, full):
        full.amazon.cloud.skew = 200
        works(full, env=full.env())
        assert [one.status for one in full.ec2.called()] == [200]

    @pytest.mark.parametrize("skew", [7200, -7200])
    def test_roles_too(self, full, skew):
        full.amazon.cloud.skew = skew
        done = full.run("--role-arn", full.amazon.cloud.add_role("unmap"))
        assert done.code == 0, done


class TestRetries:
    def test_each_attempt_is_signed_and_numbered(self, full):
        full.ec2.breaks(faults.Throttle(), times=2)
        works(full, env=full.env())
        calls = full.ec2.called()
        assert [one.status for one in calls] == [503, 503, 200]
        assert len({one.request.header("amz-sdk-invocation-id") for one in calls}) == 1
        told = [one.request.header("amz-sdk-request") for one in calls]
        assert [one.partition(";")[0] for one in told] == ["attempt=1", "attempt=2", "attempt=3"]
        assert all(one.request.header("user-agent") for one in calls)

    @pytest.mark.parametrize("code", ["AuthFailure", "UnauthorizedOperation", "InvalidParameterValue"])
    def test_what_will_not_change_is_not_asked_twice(self, full, code):
        full.ec2.breaks(faults.Status(400, code))
        assert full.run().code == 1
        assert len(full.ec2.called()) <= 2  # AuthFailure may be a wrong clock

    def test_metrics_of_throttling(self, full):
        full.ec2.breaks(faults.Throttle(), times=2)
        loop = full.loop("--enable-prometheus", "--prometheus-port", "0")
        metrics = loop.wait_for_metric("aws_cloud_unmap_aws_throttled_total", 2, api="DescribeInstances")
        assert metrics.value("aws_cloud_unmap_aws_requests_total", api="DescribeInstances",
                             code="RequestLimitExceeded") == 2
        assert loop.stop() == 0


class TestEndpoints:
    def test_one_for_all(self, full):
        """AWS_ENDPOINT_URL is for the services that have none of their own."""
        env = full.env(AWS_ENDPOINT_URL=full.cloud_map.url, AWS_ENDPOINT_URL_SERVICEDISCOVERY=None)
        works(full, env=env)

    def test_of_a_profile(self, full):
        files(full, config=f"[default]\nservices = mine\n[services mine]\nec2 =\n  endpoint_url = {full.ec2.url}\n")
        works(full, env=full.env(AWS_ENDPOINT_URL_EC2=None))

    def test_a_trailing_slash(self, full):
        works(full, env=full.env(AWS_ENDPOINT_URL_EC2=full.ec2.url + "/"))

    @pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1", "http://", "http://127.0.0.1:99999"])
    def test_one_that_is_none(self, full, url):
        done = full.run(env=full.env(AWS_ENDPOINT_URL_EC2=url))
        assert done.code in (1, 64) and full.victim.id in full.registered(), done

    def test_the_region_of_the_scope(self, world):
        world.live(2, region=FAR)
        world.victim = world.dead(region=FAR)[0]
        works(world, env=world.env(AWS_REGION="us-west-2"), regions=(FAR,))
        assert {one.region for one in world.ec2.called()} == {FAR}
        assert {one.region for one in world.cloud_map.called()} == {REGION}

    def test_no_region_in_the_environment(self, full):
        works(full, "--account-id", ACCOUNT, env=full.env(AWS_REGION=None))

    def test_only_the_keys_of_the_account(self, full):
        """No call is made with another account's key."""
        full.amazon.cloud.add_key(OTHER)
        works(full, env=full.env())
        assert {one.account for one in full.ec2.called() + full.cloud_map.called()} == {ACCOUNT}


class TestTls:
    def test_a_certificate_that_is_trusted(self, full):
        path = certificate(full.base)
        with tls_front(full.ec2.port, path) as front:
            works(full, env=full.env(AWS_ENDPOINT_URL_EC2=front.url, AWS_CA_BUNDLE=path))

    @pytest.mark.parametrize("name", ["IP:127.0.0.2", "DNS:ec2.us-east-1.amazonaws.com"])
    def test_one_for_another_host(self, full, name):
        path = certificate(full.base, name)
        with tls_front(full.ec2.port, path) as front:
            fails(full, *HURRY, env=full.env(AWS_ENDPOINT_URL_EC2=front.url, AWS_CA_BUNDLE=path))

    def test_one_that_nobody_trusts(self, full):
        with tls_front(full.ec2.port, certificate(full.base)) as front:
            fails(full, *HURRY, env=full.env(AWS_ENDPOINT_URL_EC2=front.url))
