"""A method that repaints whole pictures, on its tab in a real Chromium: no face is needed, and a persona is chosen only
where one is put on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import facezoo

if TYPE_CHECKING:
    from tests.ui.conftest import Serve, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WORK = 60_000  # ms: the longest a test waits
SIZES = [(390, 844, "dark"), (1440, 900, "light")]
_LISTED = """
import sys
from dataclasses import replace
from pathlib import Path
import torch
import facezoo.registry, facezoo.zoo.manifest, facezoo.zoo.pull
from facezoo.methods import cyclegan
from facezoo.methods.cyclegan.model import ResnetGenerator
from facezoo.methods.cyclegan.pipeline import CycleGan
from facezoo.methods.cyclegan.spec import SPEC
from facezoo.zoo.manifest import describe, make_manifest, manifest_text
from facezoo.zoo.record import Data, Record, Training, record_text

root, port = Path(sys.argv[1]), sys.argv[2]
torch.manual_seed(0)
networks = {name: ResnetGenerator(ngf=4, n_blocks=1).eval() for name in CycleGan.components}
folder = CycleGan(networks).save_pretrained(root / "cyclegan")
made = Training("training/cyclegan.py", "cpu", 1, 0.1, "2 cores", 30.0)
record = Record("cyclegan", "MIT", (Data("Noise", "MIT", "synthetic", "Nobody is in it."),), made)
(folder / "metrics.json").write_text(record_text(record))
(folder / "manifest.json").write_text(manifest_text(make_manifest(folder)))
facezoo.zoo.manifest.WEIGHTS = facezoo.zoo.pull.WEIGHTS = root
CycleGan.spec = cyclegan.SPEC = replace(SPEC, weights=describe(folder))
from facezoo.ui.__main__ import main
sys.exit(main(["--port", port, "--methods", "cyclegan"]))
"""


@pytest.fixture(scope="module")
def address(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A hub that has CycleGAN alone, with untrained networks, two of them for a persona."""
    folder = tmp_path_factory.mktemp("restyle")
    with serve(["-c", _LISTED, str(folder), "PORT"], folder) as server:
        yield server.url


@pytest.mark.parametrize(("width", "height", "scheme"), SIZES)
def test_faces_and_people_only_for_a_persona(
    meet: Visitor, address: str, landscape: Path, tmp_path: Path, width: int, height: int, scheme: str
) -> None:
    seen = meet(address, width, height, scheme)
    page = seen.page
    page.set_default_timeout(WORK)
    page.get_by_role("tab", name="Methods", exact=True).click()
    zone = page.locator(".left-zone", has=page.locator("#cyclegan-run"))
    zone.locator("#cyclegan-run").wait_for()
    faces, people = zone.locator(".shot label.face"), zone.locator("fieldset.people")
    assert not people.is_visible()

    zone.locator("button.thumb").nth(1).click()
    zone.locator("button.thumb").nth(1).and_(page.locator("[aria-pressed=true]")).wait_for()
    assert faces.count() == 0
    zone.get_by_role("radio", name="Persona", exact=True).check()
    faces.first.wait_for()
    people.wait_for()
    style = zone.get_by_role("radio", name="Old masters")
    style.wait_for(state="hidden")  # whose paintings: a persona needs none
    zone.get_by_role("radio", name="Painting to photo", exact=True).check()
    people.wait_for(state="hidden")
    faces.first.wait_for(state="detached")
    style.wait_for()

    zone.locator('input[type="file"]').set_input_files(landscape)
    zone.get_by_role("checkbox", name="I may use this face").check()
    assert zone.get_by_text("No face was found").count() == 0
    zone.locator("#cyclegan-run").click()
    results = page.locator("#cyclegan-results")
    results.locator("[data-opens-steps]").wait_for()
    with page.expect_download() as started:
        results.locator(".download").click()
    started.value.save_as(tmp_path / "result.png")
    found = facezoo.verify(tmp_path / "result.png")
    assert (found.c2pa, found.watermark, found.method) == ("trusted", True, "cyclegan")
    results.locator("[data-opens-steps]").click()
    page.locator("#cyclegan-steps .steps li").nth(6).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    seen.check()
