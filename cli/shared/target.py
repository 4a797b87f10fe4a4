"""The AWS that a command speaks to: the embedded one on this machine, or the caller's own account."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlparse

from cli.shared.errors import CommandFailed
from cli.shared.project import default_environment
from definitions.names import parameter_name, stack_name
from definitions.parameters import API_URL

# Of botocore's session variables, each with its name in a profile and in the environment, its value and its type.
WITHOUT_PROFILES = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


@dataclass(frozen=True)
class Target:
    """One deployment: an environment of the app in one AWS.

    Attributes:
        environment: the environment's name, which is part of every name the app fixes.
        variables: process environment for programs that speak to this AWS; empty for the caller's own account.
        description: how messages name this AWS.
    """

    environment: str
    variables: Mapping[str, str] = field(default_factory=dict)
    description: str = "your AWS account"
    known_clients: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def session(self) -> Any:
        """A boto3 session with this target's credentials and region; that of the embedded AWS knows no profiles."""
        import boto3
        from botocore.session import Session

        return boto3.Session(
            botocore_session=Session(session_vars=WITHOUT_PROFILES if self.is_embedded else None),
            aws_access_key_id=self.variables.get("AWS_ACCESS_KEY_ID"),
            aws_secret_access_key=self.variables.get("AWS_SECRET_ACCESS_KEY"),
            region_name=self.variables.get("AWS_REGION") or os.environ.get("AWS_REGION"),
        )

    def require_account(self) -> None:
        """Asks AWS whose credentials these are, before anything is prepared or paid for.

        Raises:
            CommandFailed: when there are none, they are refused or have expired, no region is chosen, or AWS cannot
                be reached.
        """
        from botocore import exceptions

        region = ""
        try:
            region = self.session().region_name
            if not region:
                raise CommandFailed(
                    "No region is chosen. Set AWS_REGION to the one that the app is deployed in: `region` of the "
                    f"environment '{self.environment}' in cdk.json, us-east-1 by default."
                )
            self.client("sts").get_caller_identity()
        except exceptions.ClientError as error:
            raise CommandFailed(
                f"AWS does not accept your credentials ({error.response['Error']['Code']}). Renew them, for example "
                "with `aws sso login`, or choose others with AWS_PROFILE."
            ) from error
        except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:
            raise CommandFailed(
                f"AWS cannot be reached in '{region}'. Look at AWS_REGION and at your connection."
            ) from error
        except exceptions.BotoCoreError as error:
            reason = str(error).rstrip(".")
            raise CommandFailed(
                f"There are no credentials for your AWS account: {reason}. Choose a profile with AWS_PROFILE, or set "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
            ) from error

    def client(self, service: str) -> Any:
        """A boto3 client of `service` in this AWS; made once, because reading a service's model takes a while."""
        if service not in self.known_clients:
            endpoint_url = self.variables.get("AWS_ENDPOINT_URL")
            self.known_clients[service] = self.session().client(service, endpoint_url=endpoint_url)
        return self.known_clients[service]

    @property
    def is_embedded(self) -> bool:
        """Whether this is the AWS on this machine."""
        return "AWS_ENDPOINT_URL" in self.variables

    def place(self) -> str:
        """This AWS in words that tell it from any other: before something is taken away in it, say."""
        if self.is_embedded:
            return self.description
        account = self.client("sts").get_caller_identity()["Account"]
        return f"the AWS account {account} in {self.session().region_name}"

    def command(self, words: str) -> str:
        """A `recognition` command that reaches this very deployment, to be printed for the person to run."""
        place = "" if self.is_embedded else " --aws"
        return f"recognition {words}{place}{self.option('--environment ')}"

    def deploy_command(self) -> str:
        """The command that deploys the app here."""
        if self.is_embedded:
            return f"recognition up{self.option('--environment ')}"
        return self.cdk_command("deploy --all")

    def cdk_command(self, words: str) -> str:
        """A `cdk` command about this environment of the account; the CDK would never reach the embedded AWS."""
        return f"cdk {words}{self.option('--context environment=')}"

    def option(self, name: str) -> str:
        """The option that says which environment is meant; empty for the one that is meant without it."""
        return "" if self.environment == default_environment() else f" {name}{self.environment}"

    def stack_name(self, stack: str) -> str:
        """The name of one of the app's stacks, for example `Recognition-dev-Inference`."""
        return stack_name(self.environment, stack)

    def parameter(self, name: str) -> str:
        """A value that a stack published in Systems Manager under `/recognition/{environment}/`.

        Raises:
            CommandFailed: when the app is not deployed there.
        """
        value = self.parameter_if_published(name)
        if value is None and self.is_embedded:
            raise CommandFailed(
                f"The app is not deployed to {self.description} as environment '{self.environment}'. "
                f"Deploy it first: {self.deploy_command()}"
            )
        if value is None:
            raise CommandFailed(
                f"The parameter {parameter_name(self.environment, name)} does not exist in {self.description} in "
                f"{self.client('ssm').meta.region_name}, so the app is not deployed there as environment "
                f"'{self.environment}'. Choose its region (AWS_REGION), or deploy it first: {self.deploy_command()}"
            )
        return value

    def parameter_if_published(self, name: str) -> str | None:
        """A value that stacks publish with some settings only; None where it is not there."""
        systems_manager = self.client("ssm")
        try:
            response = systems_manager.get_parameter(Name=parameter_name(self.environment, name))
        except systems_manager.exceptions.ParameterNotFound:
            return None
        return response["Parameter"]["Value"]

    def api_url(self) -> str:
        """The recognition API's address without a slash at its end.

        The embedded AWS has no names of its own in the DNS: there the API is a path of its address.
        """
        url = self.parameter(API_URL).rstrip("/")
        if endpoint := self.variables.get("AWS_ENDPOINT_URL"):
            place = urlparse(url)
            url = f"{endpoint}/_aws/execute-api/{(place.hostname or '').split('.')[0]}{place.path}"
        return url
