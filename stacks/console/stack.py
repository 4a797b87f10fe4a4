"""The console stack: its page, who signs in to it, and what reads the deployment for it, on one domain with the API."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import Aws, Fn, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from console import KIND_OF_INPUT, LESSONS, MACHINES, STATE
from definitions.counts import counted
from definitions.names import sign_in_domain
from definitions.parameters import (
    API_URL,
    CONSOLE_URL,
    CONSOLE_USER_POOL,
    DATA_BUCKET,
    RELEASE_STATE_MACHINE,
    TRAINING_STATE_MACHINE,
)
from stacks.console.edge import EdgeStack, edge_acl
from stacks.console.page import Guard, page_bucket, page_distribution, page_policy, site_sources, upload
from stacks.console.sign_in import add_client, add_identities, add_user_role, add_users, allow_machine
from stacks.console.watch import add_watch
from stacks.settings import EnvironmentSettings
from stacks.settings.training import TrainingSettings
from stacks.shared.endpoint_access import idle_endpoints
from stacks.shared.origin_key import published_origin_key
from stacks.shared.parameters import publish, published


class ConsoleStack(Stack):
    """The page and the API on one domain: a browser needs no permission of the API's to call across origins."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: EnvironmentSettings,
        build_directory: Path,
        edge: EdgeStack | None = None,
        **options,
    ) -> None:
        """`edge` has the web ACL where the settings want one and the region is not WAF's for distributions.

        Raises:
            PartMissing: when what the page is made of, or the site that the settings want, is not there.
        """
        if settings.console is None:
            raise ValueError(f"The environment '{settings.name}' has no console.")
        lessons = settings.console.lessons
        super().__init__(scope, construct_id, cross_region_references=edge is not None, **options)
        # https://{id}.execute-api.{region}.amazonaws.com/{stage}/
        api_host = Fn.select(2, Fn.split("/", published(self, settings.name, API_URL)))
        api_id = Fn.select(0, Fn.split(".", api_host))
        domain_prefix = sign_in_domain(settings.name, Aws.ACCOUNT_ID)
        sign_in = f"https://{domain_prefix}.auth.{self.region}.amazoncognito.com"
        bucket = page_bucket(self)
        watch = add_watch(self, settings, build_directory)
        watch_address = watch.add_function_url(auth_type=lambda_.FunctionUrlAuthType.AWS_IAM)
        watch_host = Fn.select(2, Fn.split("/", watch_address.url))
        behind = {f"/{settings.name}/*": api_host, f"/{STATE}": watch_host}
        machines = self.machines(settings)
        if machines:
            behind[f"/{MACHINES}"] = self.states_host
        distribution = page_distribution(
            self,
            bucket,
            behind,
            settings,
            policy=page_policy(self, sign_in),
            lessons=lessons,
            guard=self.guard(settings, edge),
        )
        address = f"https://{distribution.distribution_domain_name}/"
        users = add_users(self, settings, domain_prefix)
        client = add_client(users, address, settings.console)
        identities = add_identities(self, users, client)
        person = add_user_role(self, identities, api_id, settings.name)
        watch_address.grant_invoke_url(person)
        for one in machines.values():
            allow_machine(self, person, one["machine"])
        configuration = {
            "environment": settings.name,
            "place": self.region,
            "region": self.region,
            "apiPath": f"/{settings.name}",
            "apiHost": api_host,
            "watchHost": watch_host,
            "kinds": KIND_OF_INPUT,
            **({"lessons": LESSONS} if lessons else {}),
            **({"evaluations": True} if settings.console.shows_evaluations else {}),
            **machines,
            "endpoints": idle_endpoints(settings),
            "signIn": {
                "domain": sign_in,
                "clientId": client.user_pool_client_id,
                "userPoolId": users.user_pool_id,
                "identityPoolId": identities.ref,
            },
        }
        upload(self, bucket, configuration, site_sources(build_directory) if lessons else [])
        publish(self, settings.name, CONSOLE_URL, address)
        publish(self, settings.name, CONSOLE_USER_POOL, users.user_pool_id)

    @property
    def states_host(self) -> str:
        """Step Functions' own."""
        return f"states.{self.region}.amazonaws.com"

    def machines(self, settings: EnvironmentSettings) -> dict[str, dict[str, str]]:
        """The state machines that people may start, as the page's configuration has them."""
        if settings.console is None:
            return {}

        def started(parameter: str) -> dict[str, str]:
            machine = published(self, settings.name, parameter)
            return {"machine": machine, "address": MACHINES, "host": self.states_host}

        found = {}
        if settings.console.may_release:
            found["release"] = started(RELEASE_STATE_MACHINE)
        if settings.console.may_train:
            bucket = published(self, settings.name, DATA_BUCKET)
            cost = cost_of_run(settings.training)
            found["train"] = {**started(TRAINING_STATE_MACHINE), "data": f"s3://{bucket}/", "cost": cost}
        return found

    def guard(self, settings: EnvironmentSettings, edge: EdgeStack | None) -> Guard | None:
        """The firewall before the distribution, where the settings want one before the API."""
        if settings.api.firewall is None:
            return None
        acl_arn = edge.acl_arn if edge else edge_acl(self, settings)
        return Guard(acl_arn, published_origin_key(self, settings.name))


def cost_of_run(training: TrainingSettings) -> str:
    """What a person should know before they start a run, as a sentence."""
    jobs = training.tuning.jobs if training.tuning else 1
    hours = training.max_runtime_seconds / 3600
    hosts = f"{counted(training.instance_count, 'host')} {training.instance_type}"
    each = f"{counted(jobs, 'training job')}{', each' if jobs > 1 else ''}"
    return f"A run is paid for: {each} on {hosts} for {hours:g} h at most, and shorter ones beside it."
