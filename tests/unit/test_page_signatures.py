"""The page signs any request as botocore does; its module runs in Node, many requests at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
NODE = Path(sys.prefix) / "bin" / "node"
HOST = "abc.execute-api.eu-central-1.amazonaws.com"
SIGN = """
const { signed } = await import(process.argv[1]);
const cases = JSON.parse(await new Response(process.stdin).text());
const all = cases.map((given) => signed({
  method: "POST", host: given.host, path: given.path, query: given.query, region: "eu-central-1",
  service: "execute-api", headers: { "content-type": given.type }, body: new TextEncoder().encode(given.body),
  date: new Date("2026-11-26T01:02:03.456Z"),
  credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: given.secret, sessionToken: given.token },
}));
console.log(JSON.stringify((await Promise.all(all)).map((headers) => headers.authorization)));
"""
# Whatever a browser can put there: no half of a surrogate pair, which has no bytes.
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
PRINTED = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30)
PATHS = st.lists(st.text("abcXYZ019-_.~!'()*: é\u4e2d", min_size=1, max_size=6), min_size=1, max_size=4)


@st.composite
def cases(draw) -> dict:
    """A request as the page gives it to be signed: path and query are encoded once."""
    segments = [part for part in draw(PATHS) if part not in (".", "..")]
    query = draw(st.lists(st.tuples(TEXT, TEXT), max_size=4))
    return {
        "host": HOST,
        "path": "/" + "/".join(quote(part, safe="-_.~") for part in segments),
        "query": "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in query),
        "type": draw(PRINTED),
        "body": draw(TEXT),
        "secret": draw(PRINTED),
        "token": draw(st.none() | PRINTED),
    }


def by_botocore(case: dict) -> str:
    """The signature that botocore computes."""
    address = f"https://{HOST}{case['path']}" + (f"?{case['query']}" if case["query"] else "")
    sent = {"content-type": case["type"], "x-amz-date": "20261126T010203Z"}
    sent |= {"x-amz-security-token": case["token"]} if case["token"] else {}
    request = AWSRequest("POST", address, data=case["body"].encode(), headers=sent)
    request.context["timestamp"] = "20261126T010203Z"
    signer = SigV4Auth(
        Credentials("AKIDEXAMPLE", case["secret"], case["token"]), "execute-api", "eu-central-1"
    )
    return signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)


@settings(max_examples=max(1, settings().max_examples // 50))
@given(st.lists(cases(), min_size=20, max_size=60))
def test_the_page_signs_any_request_as_botocore_does(several):
    module = (ROOT / "console" / "page" / "sigv4.js").as_uri()
    finished = subprocess.run(
        [NODE, "--input-type=module", "--eval", SIGN, module],
        input=json.dumps(several),
        capture_output=True,
        text=True,
        check=True,
    )
    for case, authorization in zip(several, json.loads(finished.stdout), strict=True):
        assert authorization.endswith(f"Signature={by_botocore(case)}"), case
