"""The console's files, and the server that gives them out: small, whole, with its headers and nothing else."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from pathlib import PurePath

import pytest

import console
from advisor.counterfactuals import alternatives
from advisor.problem import CHOICES, COUNTS, NUMBERS, SWITCHES
from console import LIBRARY, LIBRARY_FILES, PAGE, PATHS, SITE_PATH, content_security_policy, page_files
from console.watch.watch import RUNS_SHOWN
from lambdas.catalogue import OPERATIONS
from lambdas.common.bodies import IMAGE_BYTES
from local_aws.console import COST_HERE, PREFIX, NotDeployed, configuration_of, last_bakeoff, with_console
from tools.write_console_questions import FILE, content

ROOT = PAGE.parents[1]
COMPRESSED_BYTES_MOST = 250_000
FILES = dict(sorted(page_files().items()))
MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
SCRIPTS = {name: file.read_text(encoding="utf-8") for name, file in FILES.items() if name.endswith(".js")}


def test_the_page_is_small():
    assert sum(len(gzip.compress(file.read_bytes())) for file in FILES.values()) <= COMPRESSED_BYTES_MOST


def test_the_page_takes_nothing_from_another_host():
    for file in PAGE.iterdir():
        addresses = set(re.findall(r"(?:https?:)?//[a-z${][\w.${}-]*", file.read_text(encoding="utf-8")))
        # The name space of SVG is no address, and Cognito is where a person signs in.
        assert addresses <= {"http://www.w3.org", "https://cognito-identity.${region}.amazonaws.com"}, (
            file.name
        )


def test_the_library_asks_nobody_for_anything():
    for name in LIBRARY_FILES:
        words = FILES[name].read_text(encoding="utf-8")
        assert not re.search(r"\bfetch\(|XMLHttp|WebSocket|sendBeacon|\bimport\b|@import|url\(", words), name


def test_every_script_is_asked_for_at_once():
    page = (PAGE / "index.html").read_text(encoding="utf-8")
    named = re.findall(r'(?:src|modulepreload" href)="(\w+\.js)"', page)
    assert sorted(named) == sorted(SCRIPTS)


def test_no_script_makes_markup_of_texts_or_code_of_data():
    for name, script in SCRIPTS.items():
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", script
        ), name


def test_the_form_asks_the_advisors_own_questions():
    assert FILE.read_text(encoding="utf-8") == content(), "Run: make generate"


def test_what_the_advisor_takes_of_numbers_and_choices_is_asked_in_words():
    asked = [one["name"] for one in json.loads(content())["questions"]]
    assert sorted(asked) == sorted((*CHOICES, *COUNTS, *NUMBERS, *SWITCHES))


def test_every_unknown_that_the_advisor_may_want_can_be_answered():
    assert set(alternatives()) <= {one["name"] for one in json.loads(content())["questions"]}


def test_the_scripts_limit_for_images_is_the_apis():
    (configuration,) = re.findall(r"IMAGE_BYTES = ([\d_]+);", SCRIPTS["picture.js"])
    assert int(configuration) == IMAGE_BYTES


def test_the_page_knows_how_many_runs_it_is_given_at_most():
    (number,) = re.findall(r"RUNS_SHOWN = (\d+);", SCRIPTS["watch.js"])
    assert int(number) == RUNS_SHOWN


def test_the_page_asks_the_paths_that_are_named_and_they_are_the_apis():
    quoted = re.findall(r'"((?:images|texts)/[\w/-]+|advise|deployment)"', " ".join(SCRIPTS.values()))
    assert set(quoted) == set(PATHS)
    assert set(PATHS) <= {operation.path for operation in OPERATIONS}


def test_the_policy_lets_the_page_do_what_it_does_and_no_more():
    policy = content_security_policy(["https://a.example"])
    assert "default-src 'none'" in policy
    assert "connect-src 'self' https://a.example;" in policy
    assert "unsafe" not in policy


async def inner(scope, receive, send) -> None:
    """What lies behind the console's server."""
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b"inner"})


def get(
    path: str, method: str = "GET", configuration=dict, query: str = ""
) -> tuple[int, dict[str, str], bytes]:
    """One request of the server, to which each evaluation is the name of its job."""
    sent = []

    async def send(message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": [], "query_string": query.encode()}
    served = with_console(inner, configuration, dict, lambda job: {"evaluation": job})
    asyncio.run(served(scope, None, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, sent[1]["body"]


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_served_as_it_is_with_the_security_headers(name):
    status, headers, body = get(PREFIX + name)
    assert (status, body) == (200, FILES[name].read_bytes())
    assert headers["content-type"] == f"{MEDIA_TYPES[PurePath(name).suffix]}; charset=utf-8"
    assert headers["content-security-policy"] == content_security_policy()
    assert headers["x-content-type-options"] == "nosniff"


def test_the_charts_library_is_the_locked_one_and_no_copy_of_it_is_kept():
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]["node_modules/uplot"]
    assert json.loads((LIBRARY / "package.json").read_text())["version"] == locked["version"]
    assert not set(LIBRARY_FILES) & {file.name for file in PAGE.iterdir()}


def test_a_library_that_is_not_installed_is_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(console, "LIBRARY", tmp_path)
    status, _, body = get(PREFIX)
    assert status == 503
    assert body.decode().endswith("uPlot.esm.js, which is not there. Run: make")


@pytest.mark.parametrize(
    "path", ["../__init__.py", "..%2f__init__.py", "__init__.py", "page/", "/etc/passwd", "nothing.js", "."]
)
def test_no_path_leads_out_of_the_page(path):
    assert get(PREFIX + path)[0] == 404


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/", "GET", 299),
        ("/_console2/", "GET", 299),
        ("/bucket/_console/", "GET", 299),
        ("/_console", "GET", 307),
        ("/_console/", "GET", 200),
        ("/_console/", "POST", 405),
    ],
)
def test_only_paths_of_the_console_are_taken(path, method, status):
    assert get(path, method)[0] == status


@pytest.mark.parametrize(
    ("query", "told"),
    [("", {}), ("evaluation=dev-cnn-1", {"evaluation": "dev-cnn-1"}), ("other=dev-cnn-1", {})],
)
def test_the_state_is_told_or_the_evaluation_of_the_job_that_is_named(query, told):
    status, _, body = get(f"{PREFIX}{console.STATE}", query=query)
    assert (status, json.loads(body)) == (200, told)


@pytest.fixture
def lessons(monkeypatch, tmp_path):
    """A documentation site of one page, with something beside it that is none of it."""
    page = tmp_path / "site" / "learn" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("<h1>Learn</h1>")
    (tmp_path / "secret.txt").write_text("secret")
    monkeypatch.setattr("local_aws.console.SITE", tmp_path / "site")
    return page


def test_the_lessons_are_served_as_pages_that_run_no_script(lessons):
    status, headers, body = get(PREFIX + console.LESSONS)
    assert (status, body) == (200, lessons.read_bytes())
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "script-src" not in headers["content-security-policy"]


@pytest.mark.parametrize(
    "name", ["../secret.txt", "learn/../../secret.txt", "learn", "other.html", "a\0.html"]
)
def test_beyond_the_site_there_is_a_sentence_alone(lessons, name):
    status, headers, body = get(f"{PREFIX}{SITE_PATH}{name}")
    assert (status, headers["content-type"]) == (404, "text/plain")
    assert body.endswith(b"Build it: make docs")


class Parameters:
    """Systems Manager with some parameters."""

    def __init__(self, values: dict[str, str]) -> None:
        self.found = values

    def get_paginator(self, operation: str):
        assert operation == "get_parameters_by_path"
        return self

    def paginate(self, **request):
        assert request == {"Path": "/recognition/", "Recursive": True}
        return [{"Parameters": [{"Name": name, "Value": value} for name, value in self.found.items()]}]


def test_the_page_is_told_where_the_deployed_api_is():
    url = "https://abc123.execute-api.us-east-1.amazonaws.com/dev/"
    machines = {"release-state-machine-arn": "releases", "training-state-machine-arn": "trains"}
    published = {"api-url": url, "idle-endpoints": '["to-zero"]', "data-bucket": "data", **machines}
    found = Parameters({f"/recognition/dev/{name}": value for name, value in published.items()})
    configuration = configuration_of(found, lambda machines: {"accessKeyId": f"for {machines}"}, "r")
    assert (configuration["environment"], configuration["region"]) == ("dev", "r")
    assert configuration["apiPath"] == "/_aws/execute-api/abc123/dev"
    assert configuration["kinds"] == {"image": "cnn", "text": "rnn"}
    assert configuration["lessons"] == console.LESSONS
    assert configuration["evaluations"] is True
    assert configuration["endpoints"] == ["to-zero"]
    assert configuration["release"] == {"machine": "releases", "address": "/"}
    train = {"machine": "trains", "address": "/", "data": "s3://data/", "cost": COST_HERE}
    assert configuration["train"] == train
    assert configuration["credentials"] == {"accessKeyId": "for ['releases', 'trains']"}


def test_without_machines_the_page_has_no_button_and_no_form():
    found = Parameters(
        {"/recognition/dev/api-url": "https://abc123.execute-api.us-east-1.amazonaws.com/dev/"}
    )
    configuration = configuration_of(found, lambda machines: {"accessKeyId": f"for {machines}"}, "r")
    assert configuration["credentials"] == {"accessKeyId": "for []"}
    assert not {"release", "train"} & set(configuration)


def test_the_last_bakeoff_of_this_machine_is_told_with_what_its_report_says(monkeypatch, tmp_path):
    report = tmp_path / "build" / "report.json"
    monkeypatch.setattr("local_aws.console.BAKEOFF", report)
    monkeypatch.setattr("local_aws.console.PAGE", tmp_path / "console" / "page")
    assert last_bakeoff() is None
    shown = {"data": "reviews.csv", "interrupted": False, "results": [], "verdict": None}
    of_report = {"labels": ["bad", "good"], "absent": [], "notes": ["Two copies were left out."]}
    report.parent.mkdir()
    report.write_text(json.dumps({**shown, **of_report, "seconds": 3}))
    told = last_bakeoff()
    assert told.pop("ended") and told == {**shown, **of_report, "page": "build/report.html"}
    report.write_text("{")
    assert last_bakeoff() is None


def test_without_an_api_the_page_is_told_what_to_run():
    def configuration():
        return configuration_of(Parameters({"/recognition/dev/key-arn": "arn"}), lambda machines: {}, "r")

    with pytest.raises(NotDeployed):
        configuration()
    status, _, body = get(PREFIX + "config.json", configuration=configuration)
    assert (status, json.loads(body)["message"]) == (
        503,
        "The app is not deployed here yet. Run: recognition up",
    )
