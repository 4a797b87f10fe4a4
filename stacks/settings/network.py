"""The settings of the jobs' network: which addresses it has, and for how many hosts they are enough."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import AfterValidator, Field

from stacks.settings.base import SettingsModel

SUBNET_BITS = 8
# Amazon VPC User Guide, subnet CIDR blocks: the smallest is a /28, and AWS has five addresses of each.
SMALLEST_SUBNET_BITS = 28
RESERVED_ADDRESSES = 5
# Amazon VPC User Guide, VPC CIDR blocks: the private ranges of RFC 1918, and RFC 6598's; one of them SageMaker's own
# hosts have already.
USED_BY_SAGEMAKER = ipaddress.IPv4Network("172.17.0.0/16")
PRIVATE_RANGES = tuple(
    ipaddress.IPv4Network(block)
    for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)


def private_network(cidr: str) -> str:
    """Refuses what is no network, what CreateVpc takes for none, and in what jobs would not find S3.

    CreateVpc takes public ranges, too. But what lies in the network's range is looked for in the network, and S3, the
    only way out of it, has public addresses.
    """
    try:
        network = ipaddress.IPv4Network(cidr)
    except ValueError as error:
        raise ValueError(f"'{cidr}' is no network ({error}); write one such as 10.71.0.0/16") from error
    if not any(network.subnet_of(block) for block in PRIVATE_RANGES):
        known = ", ".join(str(block) for block in PRIVATE_RANGES)
        raise ValueError(
            f"'{cidr}' lies in none of the private ranges {known}, and a public one may be S3's, which the jobs could "
            "not reach then; write one such as 10.71.0.0/16"
        )
    if network.overlaps(USED_BY_SAGEMAKER):
        raise ValueError(
            f"'{cidr}' overlaps {USED_BY_SAGEMAKER}, which SageMaker's own hosts use; write one such as 10.71.0.0/16"
        )
    return cidr


class NetworkSettings(SettingsModel):
    """A network of its own for the jobs: isolated subnets with a way to S3 and none to anywhere else."""

    cidr: Annotated[str, AfterValidator(private_network)] = Field(
        "10.71.0.0/16",
        pattern=r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/(1[6-9]|2[0-4])$",
        description="Private addresses of the VPC, with 16 to 24 bits of network.",
    )
    # Without a concrete account CloudFormation knows only two zones of a region for certain.
    availability_zones: int = Field(2, ge=1, le=2, description="A subnet in each.")

    @property
    def subnets(self) -> list[ipaddress.IPv4Network]:
        """The network's part for each zone: a 256th of it, and no less than CreateSubnet takes."""
        block = ipaddress.IPv4Network(self.cidr)
        parts = block.subnets(new_prefix=min(block.prefixlen + SUBNET_BITS, SMALLEST_SUBNET_BITS))
        return [next(parts) for _ in range(self.availability_zones)]

    @property
    def addresses_of_a_subnet(self) -> int:
        """How many of its addresses hosts can have."""
        return self.subnets[0].num_addresses - RESERVED_ADDRESSES
