"""How the console behaves for everyone: small and wide, light and dark, by keyboard, with a screen reader."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from console import LESSONS

from .conftest import PATIENCE_SECONDS, SCREENSHOTS, configuration, pages, renewed, resize
from .test_advise import QUESTION, advised, answer
from .test_evaluations import EVALUATION, JOB, unfolded
from .test_try import FLOWER, OWN, PHOTO, asked, write
from .test_watch import STATE

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
REVIEW = (
    "Frances McDormand has rarely been better, and Boston in winter has rarely looked so warm. "
    "A moving, quietly funny film."
)
MENTIONS = (
    ("Frances McDormand", "PERSON", "positive"),
    ("Boston", "LOCATION", "mixed"),
    ("winter", "DATE", "neutral"),
    ("film", "MOVIE", "negative"),
)


def try_empty(site, page) -> None:
    page.wait_for_selector(".answer.ghost")


def try_picture(site, page) -> None:
    page.set_input_files("#file", PHOTO)
    page.wait_for_selector("#picture:visible")
    asked(page)


def try_failed(site, page) -> None:
    site.api.answers["texts/targeted-sentiment"][1]["results"] = [
        {
            "label": sentiment,
            "score": 0.9,
            "span": {"begin": REVIEW.index(words), "end": REVIEW.index(words) + len(words)},
            "details": {"entity": 0, "type": kind, "mention_score": 0.9},
        }
        for words, kind, sentiment in MENTIONS
    ]
    sentence = "No model is released to the endpoint recognition-dev-rnn yet."
    site.api.answers["texts/class"] = (503, {"error": {"message": sentence}})
    write(page, REVIEW)
    asked(page)


def advise_full(site, page) -> None:
    page.click("nav a[href='#advise']")
    answer(page, QUESTION)
    advised(page)
    page.wait_for_selector(".chart canvas")


def watch_full(site, page) -> None:
    site.state = lambda: STATE
    site.evaluations[JOB] = EVALUATION
    page.click("nav a[href='#watch']")
    page.wait_for_selector("#state .run canvas")
    page.locator("#state .run summary").first.click()
    unfolded(page)


STATES = [try_empty, try_picture, try_failed, advise_full, watch_full]


@pytest.fixture(scope="module", params=STATES, ids=lambda state: state.__name__)
def shown(request, browser, server):
    """The console brought into a state, with the state's name."""
    site = renewed(server)
    site.api.answers |= {"images/labels": (200, FLOWER), "images/class": (200, OWN)}
    with pages(browser, site) as open_page:
        page = open_page(expects=("Failed to load resource",), reduced_motion="reduce")
        request.param(site, page)
        yield page, request.param.__name__


def picture(page, name: str) -> None:
    """A picture of the whole page, as it is when one has just come to it."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.evaluate("window.scrollTo(0, 0)")
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(shown, theme):
    page, name = shown
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.evaluate(AXE.read_text())
    # Only colours hang on the theme.
    rules = (
        LEVELS if theme == "light" else {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
    )
    report = page.evaluate("rules => axe.run({ runOnly: rules })", rules)
    assert [
        (violation["id"], [node["html"] for node in violation["nodes"]]) for violation in report["violations"]
    ] == []
    assert len(report["passes"]) >= (15 if theme == "light" else 1)
    picture(page, f"{name}-{theme}")


@pytest.mark.parametrize("width", [360, 1000, 2000])
def test_nothing_is_wider_than_the_window(shown, width):
    page, name = shown
    resize(page, width)
    if not name.endswith("empty"):
        picture(page, f"{name}-{width}")


def focused(page) -> str:
    """What has the focus, and that one can see so."""
    name, outline = page.evaluate(
        """() => {
            const one = document.activeElement;
            const shown = [one, one.nextElementSibling, one.parentElement].filter(Boolean);
            return [one.id || one.textContent.trim() || one.value,
                    shown.some((each) => getComputedStyle(each).outlineStyle !== "none")];
        }"""
    )
    assert outline, f"The focus on {name} cannot be seen"
    return name


def test_the_keyboard_alone_is_enough(site, open_page):
    page = open_page()
    order = []
    for _ in range(8):
        page.keyboard.press("Tab")
        order.append(focused(page))
    assert order == ["Skip to the page", "Recognition", "Try", "Advise", "Watch", "lessons", "image", "file"]
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    assert focused(page) == "text"
    page.keyboard.type("A moving film.")
    for _ in range(4):
        page.keyboard.press("Tab")
    assert focused(page) == "endpoint"
    page.keyboard.press("Tab")
    assert focused(page) == "go"
    page.keyboard.press("Enter")
    page.wait_for_selector(".answer.own .best")
    assert "texts/class" in site.api.asked()


def test_the_skip_link_leads_to_the_page_and_keeps_it(open_page):
    page = open_page("#advise")
    page.focus(".skip")
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    expect(page).to_have_title("Advise · Recognition")
    expect(page.locator("#advise")).to_be_visible()


def test_who_wants_no_motion_sees_none(site, open_page):
    site.api.held = {"texts/class"}
    page = open_page(reduced_motion="reduce")
    write(page, "A film.")
    page.click("#go")
    page.wait_for_selector(".answer.own .wait")
    moving = page.evaluate("document.getAnimations().filter((one) => one.playState === 'running').length")
    assert moving == 0


def test_the_page_names_where_it_is_and_what_is_shown(open_page):
    page = open_page()
    expect(page.locator("#place")).to_have_text("dev · embedded AWS on this machine")
    expect(page).to_have_title("Try · Recognition")
    page.click("nav a[href='#advise']")
    expect(page).to_have_title("Advise · Recognition")
    expect(page.locator("nav a[aria-current=page]")).to_have_text("Advise")


OWN_ACCOUNT = {
    "environment": "prod",
    "place": "us-east-1",
    "region": "us-east-1",
    "apiPath": "/prod",
    "apiHost": "abc123.execute-api.us-east-1.amazonaws.com",
    "endpoints": [],
    "signIn": {
        "domain": "https://recognition.auth.us-east-1.amazoncognito.com",
        "clientId": "client",
        "userPoolId": "us-east-1_pool",
        "identityPoolId": "us-east-1:identities",
    },
}


def test_a_cognito_that_cannot_be_reached_is_a_sentence(site, browser):
    site.configuration = lambda: OWN_ACCOUNT
    context = browser.new_context(bypass_csp=True)
    context.set_default_timeout(PATIENCE_SECONDS * 1000)

    def authorize(route) -> None:
        state = route.request.url.split("&state=")[1].split("&")[0]
        route.fulfill(status=302, headers={"location": f"{site.address}?code=code&state={state}"})

    context.route("**/oauth2/authorize?**", authorize)
    context.route("**/oauth2/token", lambda route: route.abort())
    page = context.new_page()
    page.goto(site.address)
    page.wait_for_selector("#failure:has-text('Cognito cannot be reached. Load the page again.')")
    context.close()


@pytest.mark.threat
def test_a_link_of_a_strangers_shows_nothing_and_cancels_no_sign_in(site, browser):
    site.configuration = lambda: OWN_ACCOUNT
    context = browser.new_context(bypass_csp=True)
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    states = []

    def authorize(route) -> None:
        states.append(route.request.url.split("&state=")[1].split("&")[0])
        route.fulfill(status=200, content_type="text/html", body="<title>Cognito</title>")

    context.route("**/oauth2/authorize?**", authorize)
    page = context.new_page()
    page.goto(site.address)
    page.wait_for_url("**/oauth2/authorize?**")
    words = "error=access_denied&error_description=Your+account+is+locked.+Call+us"
    for link in (f"?{words}", f"?{words}&state=guessed", "?code=stolen&state=guessed"):
        page.goto(f"{site.address}{link}")
        page.wait_for_url("**/oauth2/authorize?**")
    assert states == states[:1] * 4, "the sign-in that was begun goes on"
    page.goto(f"{site.address}?{words}&state={states[0]}")
    page.wait_for_selector("#failure:has-text('Signing in failed: it was not allowed. Load the page again.')")
    assert "locked" not in page.content()
    context.close()


def test_a_person_signs_in_with_cognito_and_signs_with_their_own_credentials(site, open_page):
    """Cognito's own answers are played by the test; that the request is signed as they say is computed."""
    site.configuration = lambda: OWN_ACCOUNT
    asked_of_cognito = []

    def authorize(route) -> None:
        asked_of_cognito.append(dict(part.split("=") for part in route.request.url.split("?")[1].split("&")))
        state = asked_of_cognito[0]["state"]
        # The console is at the root of its own domain there.
        route.fulfill(status=302, headers={"location": f"{site.address}?code=code&state={state}"})

    def token(route) -> None:
        asked_of_cognito.append(dict(part.split("=") for part in route.request.post_data.split("&")))
        allow = {"access-control-allow-origin": "*"}
        route.fulfill(status=200, headers=allow, json={"id_token": "token", "refresh_token": "refresh"})

    def identity(route) -> None:
        operation = route.request.headers.get("x-amz-target", "")
        allow = {"access-control-allow-origin": "*", "access-control-allow-headers": "*"}
        body = {"IdentityId": "us-east-1:me"}
        if operation.endswith("GetCredentialsForIdentity"):
            asked_of_cognito.append(json.loads(route.request.post_data))
            keys = {"AccessKeyId": "ASIA", "SecretKey": "secret", "SessionToken": "session"}
            body = {"IdentityId": "us-east-1:me", "Credentials": {**keys, "Expiration": 4_102_444_800}}
        route.fulfill(status=200, headers=allow, json=body)

    sent = []

    def api(route) -> None:
        sent.append(route.request.headers)
        route.fulfill(status=200, json=site.api.answers["texts/sentiment"][1])

    page = open_page(
        "#advise?modality=text",
        bypass_csp=True,
        routes={
            "**/oauth2/authorize?**": authorize,
            "**/oauth2/token": token,
            "https://cognito-identity.us-east-1.amazonaws.com/": identity,
            "**/prod/**": api,
        },
    )
    expect(page).to_have_url(re.compile("#advise[?]modality=text$"))
    question, grant, logins = asked_of_cognito
    assert (question["code_challenge_method"], question["response_type"]) == ("S256", "code")
    assert (grant["grant_type"], grant["code"]) == ("authorization_code", "code")
    digest = hashlib.sha256(grant["code_verifier"].encode()).digest()
    assert question["code_challenge"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert logins["Logins"] == {"cognito-idp.us-east-1.amazonaws.com/us-east-1_pool": "token"}
    assert page.evaluate("[sessionStorage.length, localStorage.length]") == [0, 0]
    page.click("nav a[href='#try']")
    write(page, "A film.")
    asked(page)
    assert len(sent) == 3, "targeted sentiment, sentiment and our own network"
    for headers in sent:
        assert headers["x-amz-security-token"] == "session"
        assert "Credential=ASIA/" in headers["authorization"]
        assert "host;" in headers["authorization"]


def test_the_lessons_open_from_the_console_and_cannot_read_its_key(site, open_page, monkeypatch, tmp_path):
    lesson = tmp_path / "learn" / "index.html"
    lesson.parent.mkdir()
    lesson.write_text(
        "<h1>Learn</h1><script>document.querySelector('h1').textContent = 'a script ran'</script>"
    )
    monkeypatch.setattr("local_aws.console.SITE", tmp_path)
    page = open_page(expects=("violates", "Content Security Policy"))
    page.get_by_role("link", name="Learn").click()
    expect(page).to_have_url(re.compile(f"/_console/{LESSONS}$"))
    assert page.inner_text("h1") == "Learn"


def test_where_nobody_serves_the_lessons_nothing_leads_to_them(site, open_page):
    site.configuration = lambda: {**configuration(), "lessons": None}
    assert open_page().get_by_role("link", name="Learn").count() == 0
