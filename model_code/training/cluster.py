"""The devices that train one network: one, several on a host, or several hosts that SageMaker started."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from model_code.failures import JobFailed

PORT = 7777


@dataclass(frozen=True)
class Cluster:
    """The job's hosts in the order that all of them see, and which of them this one is."""

    hosts: Sequence[str]
    current_host: str

    @staticmethod
    def of_environment(environment: Mapping[str, str]) -> Cluster:
        """Reads the toolkit's SM_HOSTS and SM_CURRENT_HOST; a run outside it is on one host.

        Raises:
            JobFailed: when this host is not one of the hosts.
        """
        hosts = sorted(json.loads(environment.get("SM_HOSTS", '["localhost"]')))
        current_host = environment.get("SM_CURRENT_HOST", hosts[0])
        if current_host not in hosts:
            raise JobFailed(f"SM_CURRENT_HOST is {current_host}, which SM_HOSTS does not name: {hosts}.")
        return Cluster(hosts, current_host)

    @property
    def is_chief(self) -> bool:
        """Whether this host writes checkpoints and the model and reports the metrics."""
        return self.current_host == self.hosts[0]

    @property
    def tensorflow_config(self) -> str:
        """TF_CONFIG for MultiWorkerMirroredStrategy; a host may bring its own port, as in 127.0.0.1:4001."""
        workers = [host if ":" in host else f"{host}:{PORT}" for host in self.hosts]
        task = {"type": "worker", "index": list(self.hosts).index(self.current_host)}
        return json.dumps({"cluster": {"worker": workers}, "task": task})

    def strategy(self):
        """The `tf.distribute.Strategy` for this cluster; to be made before TensorFlow has computed anything."""
        import tensorflow as tf

        gpus = len(tf.config.list_physical_devices("GPU"))
        if len(self.hosts) > 1:
            os.environ["TF_CONFIG"] = self.tensorflow_config
            kinds = tf.distribute.experimental.CommunicationImplementation
            options = tf.distribute.experimental.CommunicationOptions(
                implementation=kinds.NCCL if gpus else kinds.RING
            )
            return tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
        if gpus > 1:
            return tf.distribute.MirroredStrategy()
        return tf.distribute.get_strategy()

    def mean(self, value: float) -> float:
        """A value's mean over the hosts, each of which has to ask for it at the same point, in the strategy's scope."""
        if len(self.hosts) == 1:
            return value
        import tensorflow as tf

        strategy = tf.distribute.get_strategy()
        values = strategy.run(lambda: tf.constant(value, tf.float64))
        return float(strategy.reduce(tf.distribute.ReduceOp.MEAN, values, axis=None))
