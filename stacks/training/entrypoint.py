"""What a training container runs: AWS's toolkit, beside a process 1 that passes a stop on to the training script."""

from __future__ import annotations

# The entry point of AWS's TensorFlow training images, which also looks for the driver that their CUDA needs
# (deep-learning-containers, scripts/docker/tensorflow/training/entrypoint.sh).
IMAGE_ENTRYPOINT = "/usr/local/bin/entrypoint.sh"
# SageMaker signals process 1 alone, and that would be the toolkit, which has no handler and passes nothing on
# (sagemaker-training-toolkit #125, #173). Here it is this shell, and the toolkit with all that it starts is a process
# group: the signal goes to the group, and the container ends when nothing of it is left.
PASS_STOP_ON = (
    f"set -m; bash -m {IMAGE_ENTRYPOINT} train & trap 'kill -TERM -$!' TERM; wait $!; status=$?; "
    "while kill -0 -$! 2>/dev/null; do sleep 1; done; exit $status"
)
# A word has 256 characters at most (AlgorithmSpecification, ContainerEntrypoint).
TRAINING_ENTRYPOINT = ["bash", "-c", PASS_STOP_ON]
