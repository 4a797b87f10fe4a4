"""What native code does under the stand-ins: the same answers with oneDNN on and off, and no end of AWS with theirs."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from cli.shared.stand_ins import is_loading
from local_aws import managed

ROOT = Path(__file__).resolve().parents[2]
# Every network of TensorFlow's over one portrait; prints what each gives.
EVERY_NETWORK = """
import json

from matplotlib import cbook
from PIL import Image

from local_aws.managed import rekognition

image = Image.open(cbook.get_sample_data("grace_hopper.jpg"))
faces = rekognition.blaze_face().find(image)
print(
    json.dumps(
        {
            "BlazeFace": [[face.confidence, face.box.left, face.box.top] for face in faces],
            "CenterNet": [one.confidence for one in rekognition.center_net().find(image) if one.confidence > 0.5],
            "FaceRes": rekognition.face_embedding().of(image, faces).tolist(),
            "MobileNetV2": list(rekognition.nsfw().classify(image).values()),
        }
    )
)
"""


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, list]]:
    """What the networks give with oneDNN switched off and on."""
    answers_by_switch = {}
    for switch in ("0", "1"):
        finished = subprocess.run(
            [sys.executable, "-c", EVERY_NETWORK],
            env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": switch},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr[-2000:]
        answers_by_switch[switch] = json.loads(finished.stdout)
    return answers_by_switch


@pytest.mark.parametrize("network", ["BlazeFace", "CenterNet", "FaceRes", "MobileNetV2"])
def test_a_network_gives_the_same_with_onednn_on_and_off(answers, network):
    off, on = (np.array(answers[switch][network]) for switch in ("0", "1"))
    assert off.size
    np.testing.assert_allclose(on, off, atol=1e-3)


def test_every_stand_in_comes_to_tensorflow_by_the_one_way_that_sets_it():
    importing = set()
    for file in Path(managed.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            importing |= {file.name for name in names if name.partition(".")[0] == "tensorflow"}
    assert importing == {"tfjs.py"}


def worker_of(running) -> psutil.Process:
    """The process with the stand-ins' models below an embedded AWS."""
    workers = []
    for child in psutil.Process(running.process_id).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.cmdline()[1:3] == ["-m", "local_aws.managed.worker"]:
                workers.append(child)
    (worker,) = workers
    return worker


def test_aws_goes_on_when_the_stand_ins_crash_in_the_middle_of_a_request(aws, client, bucket):
    s3, comprehend = client("s3"), client("comprehend")
    s3.put_object(Bucket=bucket, Key="kept", Body=b"before")
    client("ssm").put_parameter(Name="/kept", Value="before", Type="String")
    answers, is_sent = [], threading.Event()
    comprehend.meta.events.register("before-send.comprehend", lambda **_: is_sent.set())
    comprehend.meta.events.register(
        "response-received.comprehend", lambda response_dict, **_: answers.append(response_dict)
    )
    # The first request to a stand-in starts them.
    while is_loading(lambda: comprehend.detect_sentiment(Text="A film.", LanguageCode="en")):
        continue
    # On a busy machine a request may be answered before the process stops, or come after the kill.
    for _ in range(5):
        # A process that ended before it had loaded all its models is followed by another at the next request only.
        comprehend.detect_sentiment(Text="What a wonderful day!", LanguageCode="en")
        answers.clear()
        is_sent.clear()
        crashing = worker_of(aws)
        # Stopped, it cannot answer before it is killed.
        crashing.send_signal(signal.SIGSTOP)
        with ThreadPoolExecutor() as pool:
            asked = pool.submit(comprehend.detect_sentiment, Text="What a wonderful day!", LanguageCode="en")
            assert is_sent.wait(60)
            # While the request waits, others are answered; it was there before them.
            for _ in range(10):
                assert s3.get_object(Bucket=bucket, Key="kept")["Body"].read() == b"before"
            crashing.send_signal(signal.SIGSEGV)
            crashing.send_signal(signal.SIGCONT)
            # The SDK asks again after a 503, and the process that came after it answers.
            assert asked.result(120)["Sentiment"] == "POSITIVE"
        if len(answers) > 1:
            break
    first, *others = answers
    assert (first["status_code"], others[-1]["status_code"]) == (503, 200)
    assert b"The process of the stand-in of Comprehend ended with SIGSEGV" in first["body"]
    assert worker_of(aws).pid != crashing.pid
    assert s3.get_object(Bucket=bucket, Key="kept")["Body"].read() == b"before"
    assert client("ssm").get_parameter(Name="/kept")["Parameter"]["Value"] == "before"
