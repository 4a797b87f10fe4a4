"""SageMaker in every account and region that it is asked in; the deployment's is there from the start."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from local_aws.sagemaker.names import DEPLOYMENT, Names
from local_aws.sagemaker.service import SageMaker


class Places:
    """Answers each request in the account and the region that it was signed for.

    Attributes:
        first: of the deployment; CloudFormation, state machines, alarms and autoscaling work with this one alone.
    """

    def __init__(self, make: Callable[[Names], SageMaker]) -> None:
        """Makes the first.

        Args:
            make: a SageMaker of an account and region, with a folder of its own.
        """
        self.make, self.lock = make, threading.Lock()
        self.first = make(DEPLOYMENT)
        self.services = {self.first.names: self.first}

    async def handle_request(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict
    ) -> tuple[int, dict[str, str], bytes]:
        """ministack's handler; the work is done on a thread, because some of it waits."""
        from ministack.core.responses import get_account_id, get_region

        place = Names(get_account_id(), get_region())
        return await asyncio.to_thread(self.service_in(place).answer, path, headers, body)

    def service_in(self, place: Names) -> SageMaker:
        """That of an account and region; it has nothing in it until somebody makes something."""
        with self.lock:
            if place not in self.services:
                self.services[place] = self.make(place)
            return self.services[place]

    def close(self) -> None:
        """Ends every job and every server."""
        for service in self.services.values():
            service.close()
