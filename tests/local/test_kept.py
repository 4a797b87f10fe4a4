"""With --keep an orderly end and a new start lose neither objects nor registered models, and endpoints answer again."""

from __future__ import annotations

import os
import signal

import pytest

from local_aws.launcher import EmbeddedAwsFailed

from .conftest import client_of, start_with_role
from .endpoint import Endpoint


def test_what_was_kept_is_there_again_and_what_a_kill_interrupted_too(tmp_path, artefact):
    with start_with_role(tmp_path, keep=True) as first:
        s3 = client_of(first, "s3")
        s3.create_bucket(Bucket="kept")
        s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
        made = Endpoint(lambda service: client_of(first, service), "kept")
        config = made.configure(artefact(2.0), version="7")
        made.sagemaker.create_endpoint(EndpointName=made.name, EndpointConfigName=config)
        assert made.settled()["EndpointStatus"] == "InService"
        before = made.sagemaker.list_model_packages(ModelPackageGroupName=made.name)[
            "ModelPackageSummaryList"
        ]
    port = int(first.endpoint_url.rpartition(":")[2])
    second = start_with_role(tmp_path, keep=True, port=port)
    try:
        made.sagemaker, made.runtime = client_of(second, "sagemaker"), client_of(second, "sagemaker-runtime")
        assert made.settled()["EndpointStatus"] == "InService"
        assert made.score(b"four") == 8.0
        after = made.sagemaker.list_model_packages(ModelPackageGroupName=made.name)["ModelPackageSummaryList"]
        assert after == before
        assert client_of(second, "s3").get_bucket_versioning(Bucket="kept")["Status"] == "Enabled"
    finally:
        os.kill(second.process_id, signal.SIGKILL)
        second.process.wait()
    with start_with_role(tmp_path, keep=True, port=port) as third:
        assert client_of(third, "s3").list_buckets()["Buckets"][0]["Name"] == "kept"
        sagemaker = client_of(third, "sagemaker")
        assert (
            sagemaker.list_model_packages(ModelPackageGroupName=made.name)["ModelPackageSummaryList"]
            == before
        )
    with pytest.raises(EmbeddedAwsFailed, match="told to keep. Go on with it by --keep"):
        start_with_role(tmp_path)
    assert (tmp_path / "state" / "kept.json").exists()


def test_what_was_killed_before_its_first_orderly_end_leaves_nothing_half_kept(tmp_path):
    first = start_with_role(tmp_path, keep=True)
    client_of(first, "s3").create_bucket(Bucket="half")
    client_of(first, "s3").put_object(Bucket="half", Key="key", Body=b"content")
    os.kill(first.process_id, signal.SIGKILL)
    first.process.wait()
    with start_with_role(tmp_path, keep=True) as second:
        assert client_of(second, "s3").list_buckets()["Buckets"] == []
