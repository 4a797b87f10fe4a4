"""What all jobs share: a folder, a queue, an end with a reason; and for most of them a process under a supervisor."""

from __future__ import annotations

import datetime
import shutil
import subprocess
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError

from local_aws.child_processes import start_child, stop_child
from local_aws.iam.decisions import Refused
from local_aws.sagemaker.containers import as_in_container, can_bind_mount, other_version, process_environment
from local_aws.sagemaker.errors import ServiceError, validation_error
from local_aws.sagemaker.logs import LogStream
from local_aws.sagemaker.objects import TransferFailed
from local_aws.sagemaker.shapes import now

# SageMaker gives a stopped container 120 s between SIGTERM and SIGKILL.
STOP_GRACE_SECONDS = 120
REASON_CHARACTERS = 1024
SYNC_SECONDS = 5.0


class JobFailed(Exception):
    """The job cannot go on; the message becomes its FailureReason."""


class Job(ABC):
    """One job: its request, its status, and the thread that runs it; subclasses say what it does in its place."""

    log_group: str

    def __init__(self, name: str, arn: str, request: dict[str, Any], folder: Path, clients: Any) -> None:
        self.name, self.arn, self.request, self.folder, self.clients = name, arn, request, folder, clients
        self.status = "InProgress"
        self.failure_reason: str | None = None
        self.created = now()
        self.started: datetime.datetime | None = None
        self.ended: datetime.datetime | None = None
        self.stop_requested = threading.Event()
        # Set when there is something to do before the next regular turn: a stop, or a process's end.
        self.wake = threading.Event()
        self.finished = threading.Event()

    @abstractmethod
    def run_in_place(self) -> None:
        """Does the work and calls `end`; raises what ends the job as failed."""

    @abstractmethod
    def kill(self) -> None:
        """Ends whatever process the job has, at once."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """What the service says of the job."""

    def told(self, kind: str, members: Iterable[str]) -> dict[str, Any]:
        """What is said of any kind of job: these members of its request, its status and its times."""
        answer = {name: self.request[name] for name in members if name in self.request}
        answer |= {f"{kind}JobArn": self.arn, f"{kind}JobStatus": self.status, "CreationTime": self.created}
        times = {f"{kind}StartTime": self.started, f"{kind}EndTime": self.ended}
        optional = {**times, "FailureReason": self.failure_reason}
        return answer | {name: value for name, value in optional.items() if value is not None}

    def on_status(self, status: str, message: str) -> None:
        """Called when the job goes on to its next stage."""
        return

    def run(self, places: threading.Semaphore, is_allowed: Callable[[], None]) -> None:
        """Waits for a place, runs the job and frees the place. Never raises: every end is a status with a reason.

        Args:
            places: of which the job takes one.
            is_allowed: raises Refused unless the role may do what SageMaker does with it before the container runs.
        """
        self.on_status("Starting", "Waiting for a place to run")
        while not places.acquire(timeout=0.2):
            if self.stop_requested.is_set():
                self.end("Stopped")
                return
        try:
            is_allowed()
            self.run_in_place()
        except (JobFailed, TransferFailed) as failure:
            self.end("Failed", str(failure))
        except (Refused, ClientError, S3UploadFailedError) as refused:
            self.end("Failed", f"ClientError: {refused}")
        except Exception as error:  # noqa: BLE001 - a fault of ours has to end the job too, not hang its caller
            self.end(
                "Failed", f"InternalServerError: the embedded AWS failed: {type(error).__name__}: {error}"
            )
        finally:
            places.release()
            shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self) -> None:
        """Asks the job to stop.

        Raises:
            ServiceError: when it has ended.
        """
        if self.finished.is_set():
            raise validation_error(f"The job {self.name} is {self.status} and cannot be stopped.")
        self.status = "Stopping"
        self.stop_requested.set()
        self.wake.set()

    def end(self, status: str, reason: str | None = None) -> None:
        """Sets the final status."""
        self.ended = now()
        self.failure_reason = reason[:REASON_CHARACTERS] if reason else None
        self.status = status
        self.on_status(status, reason or "")
        self.finished.set()


class ContainerJob(Job):
    """A job that is one process in a container.

    Subclasses say what is put into the folder before the process runs and taken out of it after.
    """

    def __init__(self, name: str, arn: str, request: dict[str, Any], folder: Path, clients: Any) -> None:
        super().__init__(name, arn, request, folder, clients)
        self.process: subprocess.Popen | None = None
        self.exit_status: int | None = None

    @abstractmethod
    def prepare(self) -> tuple[list[str], dict[str, str]]:
        """Fills the folder; returns the command as the container would run it, and its variables."""

    @abstractmethod
    def image(self) -> str:
        """The address of the container's image."""

    def remarks(self) -> list[str]:
        """Sentences on what is otherwise here than on AWS."""
        return [remark for remark in (other_version(self.image()),) if remark]

    @abstractmethod
    def collect(self) -> None:
        """Takes the results out of the folder."""

    @abstractmethod
    def reason_of_failure(self) -> str:
        """The sentence for a process that ended with another status than 0."""

    def on_line(self, line: str) -> None:
        """Called with each line that the process prints."""
        return

    def while_running(self) -> None:
        """Called every SYNC_SECONDS while the process runs."""
        return

    def run_in_place(self) -> None:
        """Prepares, runs the process and collects; raises what ends the job as failed."""
        self.folder.mkdir(parents=True)
        self.on_status("Downloading", "Downloading input data")
        command, variables = self.prepare()
        if self.stop_requested.is_set():
            self.end("Stopped")
            return
        self.started = now()
        self.on_status("Training", " ".join(["Running the container", *self.remarks()]))
        self.run_process(command, variables)
        self.on_status("Uploading", "Uploading results")
        self.collect()
        if self.stop_requested.is_set():
            self.end("Stopped")
        elif self.exit_status:
            self.end("Failed", self.reason_of_failure())
        else:
            self.end("Completed")

    def run_process(self, command: list[str], variables: dict[str, str]) -> None:
        """Runs the command to its end, its time limit or a stop, with its output in the log."""
        words, base = as_in_container(command, self.folder)
        log = LogStream(
            self.clients("logs"), self.log_group, f"{self.name}/algo-1-{int(self.created.timestamp())}"
        )
        for remark in self.remarks():
            log.write(f"warning: {remark}")
        try:
            self.process = start_child(
                words,
                environment=process_environment({**variables, **base}),
                directory=self.folder,
                output=subprocess.PIPE,
                # SageMaker signals a container's process 1 and no other.
                signalled="child" if can_bind_mount() else "command",
            )
            assert self.process.stdout  # a pipe, as asked for
            watcher = threading.Thread(target=self.watch, args=(self.process,), daemon=True)
            watcher.start()
            for raw in self.process.stdout:
                line = raw.decode("utf-8", "replace").rstrip()
                log.write(line)
                self.on_line(line)
            self.exit_status = self.process.wait()
            self.wake.set()
            watcher.join()
            stop_child(self.process, grace_seconds=0)
        finally:
            log.close()

    def watch(self, process: subprocess.Popen[bytes]) -> None:
        """Ends the process on a stop or at the time limit, and calls `while_running`."""
        limit = self.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 86_400)
        deadline = now() + datetime.timedelta(seconds=limit)
        while process.poll() is None:
            self.wake.wait(SYNC_SECONDS)
            if self.stop_requested.is_set() or now() > deadline:
                self.stop_requested.set()
                stop_child(process, grace_seconds=STOP_GRACE_SECONDS)
            self.while_running()

    def kill(self) -> None:
        """Ends the process."""
        if self.process is not None:
            stop_child(self.process, grace_seconds=0)


class JobQueue:
    """Every job by name; at most `concurrent_jobs` of them run at a time, as on an account with that quota."""

    def __init__(self, folder: Path, concurrent_jobs: int) -> None:
        self.folder = folder
        self.places = threading.Semaphore(concurrent_jobs)
        self.jobs: dict[str, Job] = {}

    def submit(self, job: Job, is_allowed: Callable[[], None]) -> None:
        """Starts a job's thread; see `Job.run`.

        Raises:
            ServiceError: when a job had that name before.
        """
        if job.name in self.jobs:
            raise ServiceError(
                "ResourceInUse", f"Job name must be unique: there is a job {job.name} already."
            )
        self.jobs[job.name] = job
        threading.Thread(target=job.run, args=(self.places, is_allowed), daemon=True).start()

    def get(self, name: str) -> Job:
        """A job by name.

        Raises:
            ServiceError: when there is none.
        """
        if name not in self.jobs:
            raise ServiceError("ResourceNotFound", f"Requested resource not found: there is no job {name}.")
        return self.jobs[name]

    def close(self) -> None:
        """Kills whatever runs."""
        for job in self.jobs.values():
            job.stop_requested.set()
            job.kill()
