"""A network for jobs: isolated subnets, a way to our buckets and none to anywhere else, no NAT."""

from __future__ import annotations

from typing import Any

from aws_cdk import Fn, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.settings import EnvironmentSettings
from stacks.settings.network import NetworkSettings
from stacks.shared.acknowledge import acknowledge
from stacks.shared.grants import Grant, allow
from stacks.shared.iam import service_of_this_account
from stacks.shared.log_group import add_log_group
from stacks.shared.parameters import publish, published

SECURITY_GROUP = "job-security-group"


def publish_network(scope: Construct, environment: str, vpc_config: dict[str, list[str]]) -> None:
    """Tells other stacks of the jobs' network, piece by piece."""
    pieces = dict(zip(subnet_names(len(vpc_config["Subnets"])), vpc_config["Subnets"], strict=True))
    (pieces[SECURITY_GROUP],) = vpc_config["SecurityGroupIds"]
    for name, value in pieces.items():
        publish(scope, environment, name, value)


def published_network(scope: Construct, settings: EnvironmentSettings) -> dict[str, list[str]] | None:
    """SageMaker's VpcConfig of the network that the training stack published; None where the settings want none."""
    if settings.training.network is None:
        return None
    names = subnet_names(settings.training.network.availability_zones)
    return {
        "SecurityGroupIds": [published(scope, settings.name, SECURITY_GROUP)],
        "Subnets": [published(scope, settings.name, name) for name in names],
    }


def subnet_names(count: int) -> list[str]:
    """Under which names the subnets are published."""
    return [f"job-subnet-{number}" for number in range(1, count + 1)]


class JobNetwork(Construct):
    """The network; it costs nothing while it stands, because S3 is reached by a gateway endpoint.

    SageMaker pulls the images and writes the logs from its own network; what a job needs of ours is S3 alone.

    Attributes:
        vpc_config: SageMaker's VpcConfig.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: NetworkSettings, bucket_arns: list[str]
    ) -> None:
        super().__init__(scope, construct_id)
        # L1, because the L2's look-up of zones wants credentials at synth when the account is named.
        vpc = ec2.CfnVPC(
            self, "Vpc", cidr_block=settings.cidr, enable_dns_support=True, enable_dns_hostnames=True
        )
        nobody = "No host is in the default group: every job names the group of its own."
        acknowledge(vpc, nobody, "NIST.800.53.R5-VPCDefaultSecurityGroupClosed")
        routes = ec2.CfnRouteTable(self, "Routes", vpc_id=vpc.attr_vpc_id)
        subnets = self.subnets(settings, vpc, routes)
        group = self.security_group(vpc)
        self.way_to_s3(vpc, routes, bucket_arns)
        self.flow_log(vpc)
        self.vpc_config = {
            "SecurityGroupIds": [group.attr_group_id],
            "Subnets": [subnet.attr_subnet_id for subnet in subnets],
        }

    def subnets(
        self, settings: NetworkSettings, vpc: ec2.CfnVPC, routes: ec2.CfnRouteTable
    ) -> list[ec2.CfnSubnet]:
        """One in each zone, with no route but the endpoint's."""
        made = []
        for zone, part in enumerate(settings.subnets):
            subnet = ec2.CfnSubnet(
                self,
                f"Subnet{zone + 1}",
                vpc_id=vpc.attr_vpc_id,
                cidr_block=str(part),
                availability_zone=Fn.select(zone, Fn.get_azs()),
                map_public_ip_on_launch=False,
            )
            ec2.CfnSubnetRouteTableAssociation(
                self,
                f"Routes{zone + 1}",
                subnet_id=subnet.attr_subnet_id,
                route_table_id=routes.attr_route_table_id,
            )
            made.append(subnet)
        return made

    def security_group(self, vpc: ec2.CfnVPC) -> ec2.CfnSecurityGroup:
        """Hosts of one job speak to each other, and over TLS to S3; nobody else speaks to them."""
        group = ec2.CfnSecurityGroup(
            self,
            "Hosts",
            group_description="Hosts of training jobs",
            vpc_id=vpc.attr_vpc_id,
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(
                    ip_protocol="tcp",
                    from_port=443,
                    to_port=443,
                    cidr_ip="0.0.0.0/0",
                    description="S3; the subnets have no other route",
                )
            ],
        )
        for name, rule in (("In", ec2.CfnSecurityGroupIngress), ("Out", ec2.CfnSecurityGroupEgress)):
            other = {"In": "source_security_group_id", "Out": "destination_security_group_id"}[name]
            of_the_group: dict[str, Any] = {other: group.attr_group_id}
            between = rule(
                self,
                f"Between{name}",
                group_id=group.attr_group_id,
                ip_protocol="-1",
                description="Between the hosts of a job",
                **of_the_group,
            )
            if name == "In":
                themselves = "The source is the group itself: hosts of a job speak on ports that they choose."
                acknowledge(between, themselves, "NIST.800.53.R5-EC2RestrictedCommonPorts")
        return group

    def way_to_s3(self, vpc: ec2.CfnVPC, routes: ec2.CfnRouteTable, bucket_arns: list[str]) -> None:
        """The gateway endpoint, through which only these buckets can be reached."""
        ours = iam.PolicyStatement(
            principals=[iam.AnyPrincipal()],  # pyright: ignore[reportArgumentType]  # jsii
            actions=["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListBucket"],
            resources=[resource for arn in bucket_arns for resource in (arn, f"{arn}/*")],
        )
        ec2.CfnVPCEndpoint(
            self,
            "S3",
            vpc_id=vpc.attr_vpc_id,
            service_name=f"com.amazonaws.{Stack.of(self).region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[routes.attr_route_table_id],
            policy_document=iam.PolicyDocument(statements=[ours]),
        )

    def flow_log(self, vpc: ec2.CfnVPC) -> None:
        """Who spoke to whom."""
        group = add_log_group(self, "FlowLog")
        role = iam.Role(self, "FlowLogRole", assumed_by=service_of_this_account(self, "vpc-flow-logs"))  # pyright: ignore[reportArgumentType]  # jsii
        write = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
        allow(role, [Grant(write, [group.log_group_arn])])
        ec2.CfnFlowLog(
            self,
            "Flow",
            resource_id=vpc.attr_vpc_id,
            resource_type="VPC",
            traffic_type="ALL",
            log_group_name=group.log_group_name,
            deliver_logs_permission_arn=role.role_arn,
        )
