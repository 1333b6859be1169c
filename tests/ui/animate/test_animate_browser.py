"""The Animate tab in a real Chromium: five ways to move a picture, live and as sealed files."""

from __future__ import annotations

import importlib.util
import re
import shutil
import wave
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import facezoo
from facezoo.motion.template import load_template, shipped, shipped_names

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page
    from tests.ui.conftest import Hub, Visit, Visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        not any("animate" in spec.tasks for spec in facezoo.list_methods()), reason="no installed method animates"
    ),
]

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
WORK = 25_000  # ms: the longest a test waits for a result
SIZES = [(390, 844, "dark"), (1440, 900, "light")]


def animate(seen: Visit) -> Page:
    seen.page.get_by_role("tab", name="Animate", exact=True).click()
    seen.page.locator("#animate-results").wait_for()
    return seen.page


def choose_way(page: Page, way: str) -> None:
    page.locator(f'label:has([name="animate-way"][value="{way}"])').click()  # which waits until it stands still
    page.locator(f"#animate-run-{way}").wait_for()


def picture_input(page: Page) -> Locator:
    return page.locator(".animate .picker input[type=file]").first


def driver_input(page: Page) -> Locator:
    return page.locator(".way-clip .picker input[type=file]")


def finished(page: Page) -> Locator:
    page.locator("#animate-results .badge.good").wait_for(timeout=WORK)
    return page.locator("#animate-results .download")


def saved(page: Page, link: Locator, folder: Path) -> Path:
    with page.expect_download() as started:
        link.click()
    path = folder / started.value.suggested_filename
    started.value.save_as(path)
    return path


@pytest.mark.parametrize(("width", "height", "scheme"), SIZES)
def test_opens_on_a_finished_film(visit: Visitor, hub: Hub, width: int, height: int, scheme: str) -> None:
    seen = visit(width, height, scheme)
    page = animate(seen)
    film = page.locator('#animate-results .card[data-state="example"] video')
    film.wait_for()
    page.wait_for_function("film => film.readyState >= 2 && !film.paused", arg=film.element_handle())
    assert film.bounding_box()["y"] < height  # in the first screen
    assert film.evaluate("film => film.muted")  # a painting speaks, but not unasked
    page.locator("#animate-results .hear").click()
    page.wait_for_function("film => !film.muted && !film.loop", arg=film.element_handle())
    chosen = page.locator(".animate .thumb[aria-pressed=true]")
    assert chosen.get_attribute("title") == page.locator("#animate-results h3").inner_text()
    first_strip = page.locator(".animate .strip h3").first.inner_text()
    assert "paintings" in first_strip
    for way in ("speech", "clip", "webcam", "sliders", "motion"):
        choose_way(page, way)
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, way
        assert page.locator(".way").locator("visible=true").count() == 1
    names = page.locator(".motion > span:last-child")
    page.locator('.motion:has(input[value="look_around"])').first.click()  # the longest, chosen
    assert names.evaluate_all("each => Math.max(...each.map(e => e.clientHeight || e.offsetHeight))") < 30, (
        "on one line"
    )
    seen.check()


def test_less_motion_is_respected(visit: Visitor) -> None:
    page = animate(visit(reduced_motion="reduce"))
    film = page.locator('#animate-results .card[data-state="example"] video')
    film.wait_for()
    page.wait_for_function("film => film.readyState >= 2", arg=film.element_handle())
    page.wait_for_timeout(300)
    assert film.evaluate("film => film.paused")
    assert page.locator(".motion video").evaluate_all("films => films.every(film => film.paused)")


@pytest.mark.skipif("nod" not in shipped_names(), reason="the motion nod does not ship")
@pytest.mark.parametrize(("width", "height", "scheme"), SIZES)
def test_a_motion_makes_a_sealed_film(
    visit: Visitor, hub: Hub, tmp_path: Path, width: int, height: int, scheme: str
) -> None:
    seen = visit(width, height, scheme)
    page = animate(seen)
    page.locator('[name="animate-motion"][value="nod"]').focus()
    page.keyboard.press("Space")
    page.wait_for_function(
        "document.querySelector('[name=animate-motion][value=nod] ~ .close-up video').paused === false"
    )
    page.locator("#animate-run-motion").click()
    page.locator('#animate-results [data-state="working"]').wait_for()
    page.locator("#animate-stop").wait_for()
    link = finished(page)
    assert page.locator("#animate-results video").bounding_box()["y"] < height
    assert f"{len(shipped('nod').motions)} frames" in page.locator("#animate-results .facts").inner_text()
    path = saved(page, link, tmp_path)
    assert path.name == "facezoo-motion_transfer-nod.mp4"
    found = hub.verify(path)
    assert (found["c2pa"], found["watermark"], found["method"]) == ("trusted", True, "motion_transfer")
    page.locator("#animate-run-motion").wait_for()
    labels = page.locator(".way .main-button").all_text_contents()
    assert [each.strip() for each in labels] == [
        "Bring it to life", "Say it", "Bring it to life", "Make the film", "Save this picture",
    ]  # fmt: skip
    seen.check()


def test_stop_stops(visit: Visitor) -> None:
    page = animate(visit())
    page.locator("#animate-run-motion").click()
    page.locator("#animate-stop").click(timeout=WORK)
    page.locator('#animate-results :is(.panel[data-state="stopped"], .download)').wait_for(timeout=WORK)
    page.locator("#animate-run-motion").wait_for()


def test_a_clip_needs_consent_and_a_photo_gives_a_picture(
    visit: Visitor, hub: Hub, stranger: Path, tmp_path: Path
) -> None:
    seen = visit()
    page = animate(seen)
    choose_way(page, "clip")
    page.locator("#animate-run-clip").click()
    page.locator("#animate-results .panel", has_text="No usable clip").wait_for(timeout=WORK)
    consent = page.locator(".way-clip .consent input")
    page.locator(".way-clip .thumb").first.click()
    page.locator(".way-clip .caption", has_text="A computer made this film").wait_for(timeout=WORK)
    assert page.locator(".way-clip .thumb[aria-pressed=true]").count() == 1
    assert not consent.is_visible()
    driver_input(page).set_input_files(stranger)
    consent.wait_for(timeout=WORK)
    page.locator("#animate-run-clip").click()
    page.locator(".way-clip .consent.asked").wait_for()
    assert consent.evaluate("each => each === document.activeElement")
    consent.check()
    page.locator("#animate-run-clip").click()
    path = saved(page, finished(page), tmp_path)
    assert path.suffix == ".png"
    assert hub.verify(path)["c2pa"] == "trusted"
    seen.check()


def test_junk_is_refused_in_words(visit: Visitor, tmp_path: Path) -> None:
    seen = visit(390, 844)
    page = animate(seen)
    for name, data in (("a.motion", b"PK\3\4 nonsense"), ("b.mp4", b"no film"), ("<img src=x>.motion", b"")):
        choose_way(page, "clip")
        (tmp_path / name).write_bytes(data)
        driver_input(page).set_input_files(tmp_path / name)
        panel = page.locator(".way-clip .panel")
        panel.wait_for(timeout=WORK)
        assert "Traceback" not in panel.inner_text()
        assert panel.locator("p").inner_text()  # what to do
    picture_input(page).set_input_files(tmp_path / "b.mp4")
    page.locator(".animate .left-zone > .block .panel").first.wait_for(timeout=WORK)
    choose_way(page, "webcam")
    page.locator(".webcam [data-act=start]").click()
    page.locator(".webcam .problem .panel", has_text="No usable picture").wait_for(timeout=WORK)
    assert page.locator(".webcam").get_attribute("data-state") == "off"
    assert page.locator("img[src=x]").count() == 0
    seen.check()


@pytest.mark.parametrize(("width", "height", "scheme"), SIZES)
def test_the_picture_follows_the_sliders(
    visit: Visitor, hub: Hub, tmp_path: Path, width: int, height: int, scheme: str
) -> None:
    seen = visit(width, height, scheme)
    page = animate(seen)
    choose_way(page, "sliders")
    live = page.locator("#animate-results img.live")
    live.wait_for(timeout=WORK)
    page.wait_for_timeout(300)
    resting = live.get_attribute("src")
    page.locator("#motion_transfer-yaw input[type=range]").focus()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("old => document.querySelector('img.live').src !== old", arg=resting, timeout=5000)
    box = live.bounding_box()
    assert 0 <= box["y"] < height / 2  # in sight while the slider is moved
    assert box["width"] > 300
    page.locator("#animate-run-sliders").click()
    path = saved(page, finished(page), tmp_path)
    assert path.suffix == ".png"
    assert hub.verify(path)["method"] == "motion_transfer"
    page.locator("#animate-reset").click()
    page.wait_for_function("document.querySelector('#motion_transfer-yaw input[type=range]').value === '0'")
    live.wait_for(timeout=WORK)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    seen.check()


def test_a_strangers_picture_waits_for_consent(visit: Visitor, stranger: Path) -> None:
    seen = visit()
    page = animate(seen)
    choose_way(page, "sliders")
    page.locator("#animate-results img.live").wait_for(timeout=WORK)
    picture_input(page).set_input_files(stranger)
    consent = page.locator(".animate .consent input").first
    consent.wait_for(timeout=WORK)
    page.locator('#animate-results [data-state="ready"]').wait_for(timeout=WORK)
    page.locator("#motion_transfer-yaw input[type=range]").focus()
    page.keyboard.press("ArrowRight")
    page.locator("#animate-results .panel[data-state=refused]").wait_for(timeout=WORK)
    consent.check()
    page.locator("#animate-results img.live").wait_for(timeout=WORK)
    seen.check()


def test_another_face_is_followed_at_once(visit: Visitor, two_people: Path) -> None:
    page = animate(visit())
    picture_input(page).set_input_files(two_people)
    page.locator(".animate .consent input").first.check(timeout=WORK)
    choose_way(page, "sliders")
    live = page.locator("#animate-results img.live")
    live.wait_for(timeout=WORK)
    page.locator("#motion_transfer-yaw input[type=range]").press("End")
    page.wait_for_timeout(800)
    first = live.get_attribute("src")
    page.locator(".animate label.face").nth(1).click()
    page.wait_for_function("old => document.querySelector('img.live').src !== old", arg=first, timeout=5000)


@needs_espeak
@pytest.mark.parametrize(("width", "height", "scheme"), SIZES)
def test_a_picture_says_a_sentence(
    visit: Visitor, hub: Hub, tmp_path: Path, width: int, height: int, scheme: str
) -> None:
    """A sealed film, silent until the button is pressed, with captions and a motion that plays again."""
    seen = visit(width, height, scheme)
    page = animate(seen)
    choose_way(page, "speech")
    page.locator("#animate-sentence textarea").fill("Good evening, mother <b>Mary</b>.")
    page.get_by_label("Woman", exact=True).check()
    page.locator("#animate-run-speech").click()
    path = saved(page, finished(page).first, tmp_path)
    assert path.name == "facezoo-motion_transfer-speech.mp4"
    assert hub.verify(path)["c2pa"] == "trusted"
    film = page.locator("#animate-results video")
    assert film.evaluate("film => film.muted")
    page.locator("#animate-results .hear").click()
    page.wait_for_function("film => !film.muted && !film.paused && !film.loop", arg=film.element_handle())
    seconds = film.evaluate("film => film.duration")
    page.wait_for_function("film => film.textTracks.length === 1", arg=film.element_handle())
    captions = saved(page, page.get_by_role("link", name="Captions"), tmp_path)
    assert captions.name == "facezoo-motion_transfer-speech.vtt"
    assert "Good evening, mother &lt;b&gt;Mary&lt;/b&gt;." in captions.read_text()
    motion = load_template(saved(page, page.get_by_role("link", name="Motion of the speech"), tmp_path))
    assert motion.seconds == pytest.approx(seconds, abs=0.08)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    seen.check()


def test_what_cannot_be_said_is_explained(visit: Visitor) -> None:
    seen = visit(390, 844)
    page = animate(seen)
    choose_way(page, "speech")
    for sentence, words in (("", "nothing to say"), ("🙂🙂", "nothing to say"), ("word " * 1000, "characters")):
        page.locator("#animate-sentence textarea").fill(sentence)
        page.locator("#animate-run-speech").click()
        panel = page.locator("#animate-results .panel", has_text=words)
        panel.wait_for(timeout=WORK)
        assert panel.locator("p").inner_text()  # what to do
        page.locator("#animate-run-speech").wait_for()
    seen.check()


def test_a_recording_needs_a_voice_and_consent(visit: Visitor, tmp_path: Path, stranger: Path) -> None:
    seen = visit()
    page = animate(seen)
    choose_way(page, "speech")
    page.locator('label:has([name="said-way"][value="sound"])').click()
    page.locator("#animate-run-speech").click()
    page.locator("#animate-results .panel", has_text="No usable recording").wait_for(timeout=WORK)
    silence, voice = recording(tmp_path / "silence.wav", loud=0), recording(tmp_path / "voice.wav", loud=0.2)
    for bad, words in ((silence, "No voice"), (stranger, "facezoo opens WAV")):
        page.locator(".sound input[type=file]").set_input_files(bad)
        page.locator(".sound .panel", has_text=words).wait_for(timeout=WORK)
    page.locator(".sound input[type=file]").set_input_files(voice)
    page.locator(".sound audio").wait_for(timeout=WORK)
    assert "2.0 s" in page.locator(".sound .caption").inner_text()
    page.locator("#animate-run-speech").click()
    page.locator(".way-speech .consent.asked").wait_for()
    page.locator(".way-speech .consent input").check()
    page.locator("#animate-run-speech").click()
    page.locator("#animate-results :is(.badge.good, .panel:not([data-state=refused]))").wait_for(timeout=WORK)
    if importlib.util.find_spec("pocketsphinx"):
        page.locator("#animate-results .hear").wait_for()
    if shutil.which("espeak-ng"):  # with its words known, there are captions
        page.locator("#animate-words textarea").fill("Mama mia, oh no.")
        page.locator("#animate-run-speech").click()
        page.get_by_role("link", name="Captions").wait_for(timeout=WORK)
    seen.check()


def test_the_microphone_records(visit: Visitor) -> None:
    seen = visit(390, 844, permissions=["microphone"])
    page = animate(seen)
    choose_way(page, "speech")
    page.locator('label:has([name="said-way"][value="sound"])').click()
    page.locator(".sound [data-act=record]").click()
    page.wait_for_function("document.querySelector('.sound .rec').textContent === '2 s'", timeout=WORK)
    page.locator(".sound [data-act=finish]").click()
    page.locator(".sound :is(audio, .panel)").wait_for(timeout=WORK)  # the browser's own beeps, a voice or not
    assert page.locator(".sound [data-act=record]").is_visible()
    seen.check()


def recording(path: Path, *, loud: float) -> Path:
    """Two seconds of a hum that swells and fades."""
    times = np.arange(32_000) / 16_000
    hum = sum(np.sin(2 * np.pi * 120 * k * times) / k for k in range(1, 9)) * np.clip(np.sin(4 * np.pi * times), 0, 1)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((loud * hum * 32767).astype("<i2").tobytes())
    return path


def test_webcam_live_record_film_and_motion_file(visit: Visitor, hub: Hub, tmp_path: Path) -> None:
    seen = visit()
    page = animate(seen)
    choose_way(page, "webcam")
    assert page.locator("#animate-run-webcam").is_disabled()
    page.locator(".webcam [data-act=start]").click()
    page.wait_for_function("document.querySelector('img.live')?.src.startsWith('data:image/jpeg')", timeout=WORK)
    page.evaluate(
        "window.pictures = 0; new MutationObserver(() => window.pictures++)"
        ".observe(document.querySelector('img.live'), { attributes: true, attributeFilter: ['src'] })"
    )
    page.locator(".webcam [data-act=record]").click()
    page.locator('.webcam[data-state="recording"]').wait_for()
    page.wait_for_function("window.pictures > 6", timeout=WORK)
    page.locator(".webcam [data-act=finish]").click()
    motion = saved(page, page.locator("#animate-saved .download"), tmp_path)
    recorded = load_template(motion)
    assert len(recorded.motions) >= 6
    assert max(abs(each.pose.roll) for each in recorded.motions) > 1  # the head before the camera tilts
    page.locator("#animate-run-webcam").click()
    path = saved(page, finished(page), tmp_path)
    assert path.suffix == ".mp4"
    assert hub.verify(path)["c2pa"] == "trusted"
    assert page.locator(".webcam").get_attribute("data-state") == "off"  # nobody is filmed meanwhile
    seen.check()


def test_the_camera_goes_off_when_another_way_is_chosen(visit: Visitor) -> None:
    page = animate(visit())
    choose_way(page, "webcam")
    page.locator(".webcam [data-act=start]").click()
    page.locator('.webcam[data-state="live"]').wait_for(timeout=WORK)
    choose_way(page, "motion")
    page.wait_for_function("document.querySelector('.webcam').dataset.state === 'off'")
    assert page.locator(".webcam video").evaluate("video => video.srcObject") is None


def test_every_control_has_a_name(visit: Visitor) -> None:
    page = animate(visit(390, 844))
    page.locator(".animate").get_by_role("button", name="Fine tuning").click()
    for way in ("motion", "speech", "clip", "webcam", "sliders"):
        choose_way(page, way)
        nameless = page.evaluate(
            """() => [...document.querySelectorAll('.animate img:not([alt])'),
              ...[...document.querySelectorAll('.animate :is(button, a, input, summary, select, textarea)')]
                .filter(e => e.checkVisibility({opacityProperty: false}) && !e.closest('[aria-hidden=true]'))
                .filter(e => !(e.innerText || '').trim() && !e.getAttribute('aria-label') && !e.title
                  && !e.labels?.length && !e.querySelector('img[alt]:not([alt=""])'))]
              .map(e => e.outerHTML.slice(0, 160))"""
        )
        assert nameless == [], way
    labels = page.locator(".slider-group label").all_inner_texts()
    assert all(re.fullmatch(r"[A-Z][a-z ]+", label.strip()) for label in labels), labels


def test_two_methods_side_by_side(visit: Visitor) -> None:
    """The same picture and the same motion by every method that animates."""
    titles = [spec.title for spec in facezoo.list_methods() if "animate" in spec.tasks]
    if len(titles) < 2:
        pytest.skip("only one method animates")
    page = animate(seen := visit())
    for title in titles:
        page.locator(".animate .left-zone").get_by_label(re.compile(re.escape(title))).check()
    shortest = min(shipped_names(), key=lambda name: len(shipped(name).motions))
    page.locator(f'[name="animate-motion"][value="{shortest}"]').check(force=True)
    page.locator("#animate-run-motion").click()
    cards = page.locator("#animate-results .card[data-state=done]")
    cards.nth(len(titles) - 1).wait_for(timeout=8 * WORK)
    assert [cards.nth(number).locator("h3").inner_text() for number in range(len(titles))] == titles
    seen.check()
