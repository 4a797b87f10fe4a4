"""The committed picture of the architecture is the one that the templates give."""

from __future__ import annotations

from tools.draw_architecture import PICTURE, draw, routes, states


def test_the_picture_is_drawn_from_the_current_templates(dev):
    assert PICTURE.read_text() == draw(dev), "Run: make generate"


def test_the_picture_follows_the_way_of_a_model_that_passes(dev):
    names = [name for name, _ in states(dev["Training"])]
    shown = [name for name in names if name in ("Train", "Evaluate", "Gate", "ChampionGate", "Register")]
    assert shown == ["Train", "Evaluate", "Gate", "ChampionGate", "Register"]


def test_every_path_of_the_api_is_in_the_picture(dev):
    picture = draw(dev)
    paths = [path for answered in routes(dev["Api"]).values() for path in answered]
    assert all(path.removesuffix("/batch").partition("/")[2].partition("/")[2] in picture for path in paths)
    assert f"{sum(path.endswith('/batch') for path in paths)} of them also with /batch" in picture
