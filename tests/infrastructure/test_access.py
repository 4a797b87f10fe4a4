"""Access to the API as the templates have it: authorization, throttles, private endpoints, times of keeping."""

from __future__ import annotations

import json
import re

import pytest

from lambdas.catalogue import OPERATIONS
from lambdas.common.bodies import IMAGE_BYTES
from stacks.api.firewall import FIVE_MILLION, ONE_MILLION
from stacks.settings import SettingsRefused, load_settings

from .conftest import api_with, context

POOL = "arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_Example12"
COGNITO = {
    "authorization": "COGNITO_USER_POOLS",
    "user_pools": {"arns": [POOL], "scopes": ["recognition/ask"]},
}
WAYS = ["vpce-0123456789abcdef0", "vpce-0123456789abcdef1"]


@pytest.fixture(scope="module")
def guarded() -> dict:
    """The template of an API with tokens, a firewall, callers with keys, and a private endpoint."""
    callers = {
        "shop-front": {"requests_per_second": 5.0, "burst_requests": 10, "requests_per_month": 1_000},
        "night-job": {"requests_per_second": 1.5, "burst_requests": 2},
    }
    return api_with(**COGNITO, firewall={"managed_rules": []}, callers=callers, vpc_endpoint_ids=WAYS)


@pytest.fixture(scope="module")
def private_and_signed() -> dict:
    """The template of a private API with signed requests, which keeps no answers."""
    return api_with(vpc_endpoint_ids=WAYS, idempotency_seconds=0)


def test_every_method_wants_a_token_of_the_pool_and_a_key(guarded, of_type):
    methods = of_type(guarded, "AWS::ApiGateway::Method")
    assert len(methods) == len(OPERATIONS)
    (authorizer,) = of_type(guarded, "AWS::ApiGateway::Authorizer")
    assert (authorizer["Type"], authorizer["ProviderARNs"]) == ("COGNITO_USER_POOLS", [POOL])
    for method in methods:
        assert method["AuthorizationType"] == "COGNITO_USER_POOLS"
        assert method["AuthorizationScopes"] == ["recognition/ask"]
        assert method["ApiKeyRequired"] is True


def test_each_caller_has_an_own_throttle_and_quota_and_no_template_has_its_key(guarded, of_type):
    plans = of_type(guarded, "AWS::ApiGateway::UsagePlan")
    assert sorted((plan["Throttle"]["RateLimit"], plan["Throttle"]["BurstLimit"]) for plan in plans) == [
        (1.5, 2),
        (5, 10),
    ]
    assert [plan["Quota"] for plan in plans if "Quota" in plan] == [{"Limit": 1_000, "Period": "MONTH"}]
    keys = of_type(guarded, "AWS::ApiGateway::ApiKey")
    assert len(keys) == len(of_type(guarded, "AWS::ApiGateway::UsagePlanKey")) == 2
    assert not [key for key in keys if "Value" in key]


def policy_of(template: dict, of_type) -> list[dict]:
    """The statements of a private API's policy."""
    (api,) = of_type(template, "AWS::ApiGateway::RestApi")
    assert api["EndpointConfiguration"] == {"Types": ["PRIVATE"], "VpcEndpointIds": WAYS}
    return api["Policy"]["Statement"]


def test_a_private_api_is_reached_through_its_endpoints_and_from_nowhere_else(
    guarded, private_and_signed, of_type
):
    for template in (guarded, private_and_signed):
        (denied,) = [response for response in policy_of(template, of_type) if response["Effect"] == "Deny"]
        assert denied["Condition"] == {"StringNotEquals": {"aws:SourceVpce": WAYS}}
        assert denied["Principal"] == {"AWS": "*"}


def test_the_policy_of_a_private_api_leaves_it_to_iam_who_may_sign(private_and_signed, guarded, of_type):
    """In one account an allowance for everybody in this policy would be enough to call without any in IAM."""
    (allowed,) = [
        response for response in policy_of(private_and_signed, of_type) if response["Effect"] == "Allow"
    ]
    assert ":root" in json.dumps(allowed["Principal"])
    # Who shows a token is nobody to IAM.
    (allowed,) = [response for response in policy_of(guarded, of_type) if response["Effect"] == "Allow"]
    assert allowed["Principal"] == {"AWS": "*"}


def rules_of(template: dict, of_type) -> dict[str, dict]:
    """The web ACL's rules by name."""
    (acl,) = of_type(template, "AWS::WAFv2::WebACL")
    assert acl["DefaultAction"] == {"Allow": {}}
    return {rule["Name"]: rule for rule in acl["Rules"]}


def test_prod_has_a_firewall_before_its_stage_and_dev_pays_for_none(prod, dev, of_type):
    rules = rules_of(prod["Api"], of_type)
    assert rules["TooManyRequests"]["Statement"]["RateBasedStatement"]["Limit"] == 3_000
    managed = [name for name in rules if name.startswith("AWSManagedRules")]
    assert len(managed) == 3
    (association,) = of_type(prod["Api"], "AWS::WAFv2::WebACLAssociation")
    assert "/stages/" in json.dumps(association["ResourceArn"])
    assert of_type(dev["Api"], "AWS::WAFv2::WebACL") == []


def test_the_firewall_refuses_by_size_and_address_before_aws_s_rules_are_asked(prod, of_type):
    rules = rules_of(prod["Api"], of_type)
    own = {
        name: (rule["Priority"], rule["Action"]["Block"]["CustomResponse"]["ResponseCode"])
        for name, rule in rules.items()
        if not name.startswith("AWSManagedRules")
    }
    assert own == {"BodyTooLarge": (0, 413), "TextTooLarge": (1, 413), "TooManyRequests": (2, 429)}
    assert rules["TooManyRequests"]["Statement"]["RateBasedStatement"] == {
        "AggregateKeyType": "IP",
        "EvaluationWindowSec": 300,
        "Limit": 3_000,
    }
    for name, rule in rules.items():
        if name.startswith("AWSManagedRules"):
            assert (rule["Priority"] > 2, rule["OverrideAction"]) == (True, {"None": {}})
    length = rules["BodyTooLarge"]["Statement"]["RegexMatchStatement"]
    assert length["FieldToMatch"] == {"SingleHeader": {"Name": "content-length"}}
    parts = rules["TextTooLarge"]["Statement"]["AndStatement"]["Statements"]
    assert [next(iter(part)) for part in parts] == [
        "RegexMatchStatement",
        "RegexMatchStatement",
        "NotStatement",
    ]


def test_the_stage_lets_through_as_many_requests_as_the_settings_say(of_type):
    template = api_with(requests_per_second=7, burst_requests=9, idempotency_seconds=0)
    (stage,) = of_type(template, "AWS::ApiGateway::Stage")
    (every,) = stage["MethodSettings"]
    assert (every["HttpMethod"], every["ResourcePath"]) == ("*", "/*")
    assert (every["ThrottlingRateLimit"], every["ThrottlingBurstLimit"]) == (7, 9)


# Of each group the rules over bodies, as AWS lists them (AWS Managed Rules, rule groups list).
OVER_BODIES = {
    "AWSManagedRulesAmazonIpReputationList": set(),
    "AWSManagedRulesCommonRuleSet": {
        *("SizeRestrictions_BODY", "CrossSiteScripting_BODY", "GenericLFI_BODY", "GenericRFI_BODY"),
        "EC2MetaDataSSRF_BODY",
    },
    "AWSManagedRulesKnownBadInputsRuleSet": {
        *("JavaDeserializationRCE_BODY", "Log4JRCE_BODY", "ReactJSRCE_BODY"),
    },
}


def test_no_rule_of_aws_reads_a_body_to_block_it(prod, of_type):
    """A picture is no attack because it is larger than 8 KB, and a text may speak of scripts."""
    groups = {
        name: rule["Statement"]["ManagedRuleGroupStatement"].get("RuleActionOverrides", [])
        for name, rule in rules_of(prod["Api"], of_type).items()
        if name.startswith("AWSManagedRules")
    }
    assert {
        name: {override["Name"] for override in overrides} for name, overrides in groups.items()
    } == OVER_BODIES
    for override in (rule for overrides in groups.values() for rule in overrides):
        assert override["ActionToUse"] == {"Count": {}}


def test_no_sample_of_a_request_is_kept(prod, of_type):
    for rule in rules_of(prod["Api"], of_type).values():
        assert rule["VisibilityConfig"]["SampledRequestsEnabled"] is False


@pytest.mark.parametrize(
    ("pattern", "most"), [(FIVE_MILLION, 4_999_999), (ONE_MILLION, 999_999)], ids=["body", "text"]
)
@pytest.mark.parametrize("zeros", ["", "00"])
def test_the_patterns_of_sizes_are_right_around_their_limits(pattern, most, zeros):
    for size in (0, 9, 999_999, 1_000_000, most - 1, most):
        assert bool(re.search(pattern, f"{zeros}{size}")) == (size > most)
    for size in (most + 1, most * 2, most * 10, most * 1_000):
        assert re.search(pattern, f"{zeros}{size}")


def test_the_firewall_lets_through_whatever_a_function_would_take():
    largest_text = max(
        operation.body.most_bytes for operation in OPERATIONS if type(operation.body).__name__ == "TextBody"
    )
    # JSON may write a character of one byte in six.
    assert not re.search(ONE_MILLION, str(6 * largest_text + 1_000))
    assert not re.search(FIVE_MILLION, str(IMAGE_BYTES))


def test_the_gateways_own_refusals_read_like_the_apis(templates, of_type):
    responses = of_type(templates["Api"], "AWS::ApiGateway::GatewayResponse")
    assert responses
    for response in responses:
        error = json.loads(response["ResponseTemplates"]["application/json"])["error"]
        assert set(error) == {"code", "message", "field"}
        assert error["message"].endswith(".")


# By what API Gateway calls the case: the status, where it is not API Gateway's own, our name, and seconds to wait.
GATEWAYS_OWN = {
    "DEFAULT_4XX": (None, "Refused", None),
    "DEFAULT_5XX": (None, "GatewayFailed", "1"),
    "BAD_REQUEST_PARAMETERS": ("400", "MissingHeader", None),
    "UNSUPPORTED_MEDIA_TYPE": ("415", "UnsupportedEncoding", None),
    "REQUEST_TOO_LARGE": ("413", "TooLarge", None),
    "THROTTLED": ("429", "TooManyRequests", "1"),
    "QUOTA_EXCEEDED": ("429", "QuotaSpent", None),
    "INVALID_API_KEY": ("403", "InvalidApiKey", None),
    "ACCESS_DENIED": ("403", "AccessDenied", None),
    "UNAUTHORIZED": ("401", "Unauthorized", None),
    "EXPIRED_TOKEN": ("403", "ExpiredToken", None),
    "INVALID_SIGNATURE": ("403", "InvalidSignature", None),
    "MISSING_AUTHENTICATION_TOKEN": ("403", "NoSuchOperationOrNotSigned", None),
    "WAF_FILTERED": ("403", "Filtered", None),
    "INTEGRATION_TIMEOUT": ("504", "TooSlow", "1"),
}


def test_each_of_the_gateways_own_refusals_has_its_status_name_and_time_to_wait(templates, of_type):
    header = "gatewayresponse.header.Retry-After"
    refusals = {}
    for response in of_type(templates["Api"], "AWS::ApiGateway::GatewayResponse"):
        code = json.loads(response["ResponseTemplates"]["application/json"])["error"]["code"]
        seconds = response.get("ResponseParameters", {}).get(header)
        refusals[response["ResponseType"]] = (
            response.get("StatusCode"),
            code,
            seconds.strip("'") if seconds else None,
        )
    assert refusals == GATEWAYS_OWN


def test_the_gateway_and_the_firewall_name_the_limit_and_the_remedy(prod, of_type):
    (large,) = (
        response
        for response in of_type(prod["Api"], "AWS::ApiGateway::GatewayResponse")
        if response["ResponseType"] == "REQUEST_TOO_LARGE"
    )
    (acl,) = of_type(prod["Api"], "AWS::WAFv2::WebACL")
    said = {name: json.loads(body["Content"])["error"] for name, body in acl["CustomResponseBodies"].items()}
    assert json.loads(large["ResponseTemplates"]["application/json"])["error"] == said["body"]
    assert (large["StatusCode"], said["body"]["field"]) == ("413", "body")
    assert "4,620,288 bytes, 3,465,216 as base64 in JSON. Shrink it" in said["body"]["message"]
    assert "100,000 bytes of UTF-8. Send it in parts." in said["text"]["message"]


def test_the_firewall_refuses_in_the_apis_form(prod, of_type):
    (acl,) = of_type(prod["Api"], "AWS::WAFv2::WebACL")
    answers = {
        rule["Name"]: rule["Action"]["Block"]["CustomResponse"] for rule in acl["Rules"] if "Action" in rule
    }
    assert {name: answer["CustomResponseBodyKey"] for name, answer in answers.items()} == {
        **{"BodyTooLarge": "body", "TextTooLarge": "text", "TooManyRequests": "rate"}
    }
    assert answers["TooManyRequests"]["ResponseHeaders"] == [{"Name": "Retry-After", "Value": "300"}]
    for body in acl["CustomResponseBodies"].values():
        assert body["ContentType"] == "APPLICATION_JSON"
        assert set(json.loads(body["Content"])["error"]) == {"code", "message", "field"}


def test_a_gateways_refusal_keeps_its_name_in_the_template(templates):
    """Under a new one CloudFormation writes it anew, and then deletes it as the old one."""
    kinds = {
        resource["Properties"]["ResponseType"]: name
        for name, resource in templates["Api"]["Resources"].items()
        if resource["Type"] == "AWS::ApiGateway::GatewayResponse"
    }
    assert kinds["MISSING_AUTHENTICATION_TOKEN"].startswith("ApiNotSigned")


def tables(template: dict, name: str) -> list[dict]:
    """The properties of the tables whose logical ids begin so."""
    return [
        resource["Properties"]
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::DynamoDB::Table" and logical_id.startswith(name)
    ]


def test_answers_lie_under_the_customers_key_and_are_deleted_in_time(templates):
    (table,) = tables(templates["Api"], "Answers")
    assert table["SSESpecification"]["SSEType"] == "KMS"
    assert "KeyArn" in json.dumps(table["SSESpecification"]["KMSMasterKeyId"])
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    # A backup would keep them longer.
    assert "PointInTimeRecoverySpecification" not in table


def test_a_function_uses_the_key_through_the_table_alone(templates, of_type):
    using = [
        statement
        for policy in of_type(templates["Api"], "AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if "kms:Decrypt" in statement["Action"]
    ]
    assert len(using) == 3
    for statement in using:
        assert statement["Condition"] == {
            "StringEquals": {"kms:ViaService": "dynamodb.us-east-1.amazonaws.com"}
        }


def test_an_api_that_keeps_no_answer_has_no_table_of_them(private_and_signed):
    assert tables(private_and_signed, "Answers") == []


@pytest.mark.parametrize(
    ("api", "reason"),
    [
        ({"authorization": "COGNITO_USER_POOLS"}, "user_pools and the authorization"),
        ({"user_pools": {"arns": [POOL]}}, "user_pools and the authorization"),
        ({"retention_days": 1, "cache_seconds": 86_401}, "cache_seconds may be at most 1 days"),
        ({"retention_days": 1, "idempotency_seconds": 90_000}, "idempotency_seconds may be at most 1 days"),
        ({"callers": {"Shop!": {"requests_per_second": 1.0, "burst_requests": 1}}}, "callers"),
        ({"firewall": {"requests_in_five_minutes": 9}}, "requests_in_five_minutes"),
        ({"vpc_endpoint_ids": ["eni-1"]}, "vpc_endpoint_ids"),
    ],
)
def test_settings_of_access_that_do_not_fit_together_are_refused_by_name(api, reason):
    changed = context()["environments"]
    changed["dev"] = {**changed["dev"], "api": api}
    with pytest.raises(SettingsRefused, match=reason):
        load_settings("dev", changed)
