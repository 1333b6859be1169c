"""The HTTP endpoints as programs use them, through gradio_client."""

from __future__ import annotations

import dataclasses
import shutil
import urllib.error
import urllib.request
import wave
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

import facezoo
from facezoo import runner
from facezoo.media.sound import read_sound
from facezoo.zoo.embedded import personas

if TYPE_CHECKING:
    from gradio_client import Client

    from .conftest import Hub

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def client(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Client:
    from gradio_client import Client

    return Client(hub.url, download_files=str(tmp_path_factory.mktemp("downloads")), verbose=False)


@pytest.fixture
def motion() -> str:
    """The name of the shortest motion that ships."""
    from facezoo.motion.template import shipped_templates

    if not shipped_templates():
        pytest.skip("no motion ships")
    return min(shipped_templates(), key=lambda each: each.seconds).name


def sent(path: Path) -> Any:
    from gradio_client import handle_file

    return handle_file(str(path))


def test_endpoints_are_named_after_the_registry(client: Client) -> None:
    named: dict[str, Any] = client.view_api(return_format="dict")["named_endpoints"]  # type: ignore[index,assignment]
    assert set(named) == {"/compare", "/verify", "/learn", *(f"/{spec.id}" for spec in facezoo.list_methods())}
    for spec in facezoo.list_methods():
        parameters = {each["parameter_name"] for each in named[f"/{spec.id}"]["parameters"]}
        assert {field.name for field in dataclasses.fields(spec.params)} <= parameters
        assert {"image", "face", "consent", "seed"} <= parameters
        assert ("source" in parameters) == spec.inputs.source
        assert ({"driving", "template", "format"} <= parameters) == bool(spec.inputs.driving)


def test_method_delivers_sealed_bytes(client: Client, hub: Hub, stranger: Path, method_id: str) -> None:
    posed = {"yaw": 12} if facezoo.load_spec(method_id).inputs.driving else {}
    file, record = client.predict(image=sent(stranger), consent=True, **posed, api_name=f"/{method_id}")
    found = hub.verify(Path(file))
    assert (found["c2pa"], found["watermark"], found["method"]) == ("trusted", True, method_id)
    assert record["method"] == method_id
    assert "/" not in record["output"]


def test_method_refuses_without_consent(client: Client, stranger: Path, method_id: str) -> None:
    with pytest.raises(Exception, match="consent"):
        client.predict(image=sent(stranger), api_name=f"/{method_id}")


def test_source_photo_needs_consent_too(client: Client, portrait: Path, stranger: Path, method_id: str) -> None:
    if not facezoo.load_spec(method_id).inputs.source:
        pytest.skip("this method takes no second photo")
    with pytest.raises(Exception, match="consent"):
        client.predict(image=sent(portrait), source=sent(stranger), api_name=f"/{method_id}")


@pytest.mark.parametrize("format", ["mp4", "gif", "webp"])
def test_a_motion_makes_a_sealed_film(client: Client, hub: Hub, portrait: Path, motion: str, format: str) -> None:
    file, record = client.predict(image=sent(portrait), template=motion, format=format, api_name="/motion_transfer")
    assert Path(file).suffix == f".{format}"
    assert record["driving"] == {"kind": "template", "name": motion}
    assert record["frames"] > 10
    found = hub.verify(Path(file))
    assert (found["c2pa"], found["method"]) == ("trusted", "motion_transfer")


def test_a_motion_file_drives_too(client: Client, portrait: Path, motion: str, tmp_path: Path) -> None:
    from facezoo.motion.template import save_template, shipped

    path = save_template(shipped(motion), tmp_path / "mine.motion")
    file, record = client.predict(image=sent(portrait), driving=sent(path), api_name="/motion_transfer")
    assert Path(file).suffix == ".mp4"
    assert record["driving"]["kind"] == "template"


def test_a_driving_photo_makes_a_picture_and_needs_consent(client: Client, portrait: Path, stranger: Path) -> None:
    with pytest.raises(Exception, match="driving clip may be used"):
        client.predict(image=sent(portrait), driving=sent(stranger), api_name="/motion_transfer")
    file, record = client.predict(
        image=sent(portrait), driving=sent(stranger), consent=True, api_name="/motion_transfer"
    )
    assert Path(file).suffix == ".png"
    assert record["driving"]["kind"] == "photo"


@pytest.mark.parametrize(
    ("given", "words"),
    [({}, "Nothing was asked"), ({"template": "../../etc/passwd"}, "no motion template"), ({"face": "all", "yaw": 9},
     "One face at a time"), ({"yaw": 99}, "yaw=99")],
)  # fmt: skip
def test_what_animation_cannot_do_is_explained(
    client: Client, portrait: Path, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(Exception, match=words):
        client.predict(image=sent(portrait), **given, api_name="/motion_transfer")


def test_one_driver_at_a_time(client: Client, portrait: Path, motion: str) -> None:
    with pytest.raises(Exception, match="Give one of them"):
        client.predict(image=sent(portrait), driving=sent(portrait), template=motion, api_name="/motion_transfer")


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_a_picture_says_a_sentence(client: Client, hub: Hub, portrait: Path) -> None:
    said = {"say": "Good evening, mamá & <friends>.", "voice": "es", "speaker": "woman", "speed": 200, "life": 0.5}
    file, record = client.predict(image=sent(portrait), **said, api_name="/motion_transfer")
    voice = "synthetic, espeak-ng es, woman"
    assert record["driving"] == {"kind": "speech", "name": "speech", "voice": voice}
    assert record["captions"].startswith("WEBVTT")
    assert "&amp; &lt;friends&gt;" in record["captions"]
    assert read_sound(Path(file)).seconds == pytest.approx(record["frames"] / 25, abs=0.08)
    assert hub.verify(Path(file))["c2pa"] == "trusted"


def test_speech_that_cannot_be_is_explained(client: Client, portrait: Path, motion: str, tmp_path: Path) -> None:
    sound = tmp_path / "silence.wav"
    with wave.open(str(sound), "wb") as silence:
        silence.setnchannels(1)
        silence.setsampwidth(2)
        silence.setframerate(16_000)
        silence.writeframes(bytes(64_000))
    for given, words in (
        ({"say": "🙂"}, "nothing to say"),
        ({"say": "word " * 1000}, "characters"),
        ({"say": "hello", "template": motion}, "Give one of"),
        ({"say": "hello", "sound": sent(sound), "consent": True}, "No voice"),
        ({"say": "hello", "voice": "; touch /tmp/x"}, "no voice|not installed"),
        ({"say": "hello", "speed": 9999}, "speed|not installed"),
        ({"say": "hello", "speaker": "child"}, "speaker"),
        ({"say": "hello", "life": 7}, "liveliness"),
        ({"sound": sent(sound)}, "recorded voice may be used"),
        ({"sound": sent(sound), "consent": True}, "No voice|recogniser"),
        ({"sound": sent(portrait), "consent": True}, "sound"),
    ):
        with pytest.raises(Exception, match=words):
            client.predict(image=sent(portrait), **given, api_name="/motion_transfer")


def test_a_learned_face_comes_back_as_a_head_and_moves(
    client: Client, hub: Hub, portrait: Path, stranger: Path, tmp_path: Path
) -> None:
    head, learned = client.predict([sent(portrait)], steps=1, consent=True, api_name="/learn")
    assert Path(head).suffix == ".zip" and learned["steps"] == 1 and len(learned["photos"]) == 1
    file, record = client.predict(sent(head), yaw=12, consent=True, api_name="/talking_head")
    assert hub.verify(Path(file))["method"] == "talking_head" and record["weights"]["sha256"] == learned["generator"]
    with pytest.raises(Exception, match="consent"):
        client.predict([sent(stranger)], steps=0, api_name="/learn")
    with pytest.raises(Exception, match="1 to 8 photos"):
        client.predict([sent(portrait)] * 9, steps=0, consent=True, api_name="/learn")
    wrong = tmp_path / "wrong.zip"
    with zipfile.ZipFile(wrong, "w") as packed:
        packed.writestr("../outside.txt", "x")
    with pytest.raises(Exception, match="no head"):
        client.predict(sent(wrong), yaw=12, consent=True, api_name="/talking_head")


def test_compare_delivers_sealed_bytes(client: Client, hub: Hub, portrait: Path, swap_method: str) -> None:
    grid, files, records = client.predict(image=sent(portrait), api_name="/compare")
    for file in [grid, *files]:
        found = hub.verify(Path(file))
        assert (found["c2pa"], found["watermark"]) == ("trusted", True)
    assert swap_method in records
    assert len(files) == len(records)
    assert list(records) == runner.comparable(personas()[0].id)


@pytest.mark.usefixtures("swap_method")
def test_compare_refuses_without_consent(client: Client, stranger: Path) -> None:
    with pytest.raises(Exception, match="consent"):
        client.predict(image=sent(stranger), api_name="/compare")


def test_verify_answers(client: Client, portrait: Path) -> None:
    found = client.predict(image=sent(portrait), api_name="/verify")
    assert found["c2pa"] == "none"
    assert found["watermark"] is False


def test_wrong_values_are_explained(client: Client, portrait: Path, swap_method: str) -> None:
    with pytest.raises(Exception, match="face"):
        client.predict(image=sent(portrait), face="second", api_name=f"/{swap_method}")


def test_a_persona_for_each_face(client: Client, portrait: Path, swap_method: str) -> None:
    given = {"image": sent(portrait), "api_name": f"/{swap_method}"}
    _, record = client.predict(persona="1=orla", **given)
    assert record["personas"] == {"1": "orla"}
    for persona, words in (("orla,2=joss", "not understood"), ("1=nobody", "no persona"), ("2=orla", "no face 2")):
        with pytest.raises(Exception, match=words):
            client.predict(persona=persona, **given)
    with pytest.raises(Exception, match="personas"):
        client.predict(persona="1=orla", face="all", **given)


def test_files_of_this_machine_cannot_be_named(client: Client) -> None:
    with pytest.raises(Exception, match=r".") as caught:
        client.predict(image={"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}}, api_name="/verify")
    assert "c2pa" not in str(caught.value)
    with pytest.raises(Exception, match=r"."):
        client.predict(image={"path": "/etc/hostname"}, api_name="/verify")


def test_nothing_is_fetched_from_other_hosts(hub: Hub, client: Client) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(hub.url + "gradio_api/file=" + quote("http://example.org/a.png", safe=":/"), timeout=10)
    assert refused.value.code == 403
    with pytest.raises(Exception, match=r"400|other hosts"):
        client.predict(
            image={"path": "http://example.org/a.png", "meta": {"_type": "gradio.FileData"}}, api_name="/verify"
        )


def test_headers_keep_the_page_at_home(hub: Hub) -> None:
    with urllib.request.urlopen(hub.url, timeout=20) as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_idle_memory(hub: Hub) -> None:
    """The figures of a freshly started hub: the memory is bounded, the time only printed."""
    print(f"\nfirst page after {hub.seconds_to_first_page:.1f} s, {hub.idle_megabytes:.0f} MB resident")
    assert not hub.idle_megabytes >= 400  # nan where psutil is missing
