"""A face that speaks: what is heard, what is said, and how the mouth follows."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import unicodedata
import wave
from pathlib import Path

import numpy as np
import pytest

from facezoo import runner
from facezoo.cli.app import execute
from facezoo.errors import BadInput, ConsentRequired, FacezooError, TooLarge, Unreadable, UsageError
from facezoo.face.find import find_faces
from facezoo.face.networks import track_mesh
from facezoo.media.read import open_clip
from facezoo.media.sound import RATE, read_sound
from facezoo.motion.template import Template, load_template, save_template
from facezoo.runner.animate import notes_of
from facezoo.runner.speak import Manner, spoken
from facezoo.speech.captions import Cue, cues_of, phrases, webvtt
from facezoo.speech.hear import STEP, PocketSphinx, align, hear
from facezoo.speech.perform import FRAMES_A_SECOND, perform
from facezoo.speech.phones import from_ipa
from facezoo.speech.say import MOST_SIGNS, check_sentence, say, transcribe, voices

SENTENCE = "Hello. My mother bought some paper, and I move my mouth."
needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


def written(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def voice_like(seconds: float, pitch: float = 120.0) -> np.ndarray:
    """A hum with harmonics that swells and fades twice a second."""
    times = np.arange(int(seconds * RATE)) / RATE
    hum = sum(np.sin(2 * np.pi * pitch * k * times) / k for k in range(1, 9))
    return 0.2 * hum * np.clip(np.sin(2 * np.pi * 2 * times), 0, 1)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")
    return say(SENTENCE, tmp_path_factory.mktemp("said"))[0]


def test_loudness_and_pitch_are_heard(tmp_path: Path) -> None:
    heard = hear(read_sound(written(tmp_path / "hum.wav", voice_like(2.0))))
    assert len(heard.loudness) == round(2.0 / STEP)
    assert heard.loudness.max() > 0.9
    assert heard.loudness.min() < 0.1
    assert np.median(heard.pitch[heard.pitch > 0]) == pytest.approx(120, abs=4)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_any_rate_is_read(tmp_path: Path, rate: int) -> None:
    times = np.arange(rate) / rate
    sound = read_sound(written(tmp_path / "tone.wav", 0.5 * np.sin(2 * np.pi * 440 * times), rate))
    assert sound.seconds == pytest.approx(1.0, abs=0.03)
    assert np.abs(sound.samples).max() == pytest.approx(0.5, abs=0.05)


def test_transcriptions_become_phones() -> None:
    phones = from_ipa("mˈamə\nfuː")
    assert [phone.symbol for phone in phones] == ["m", "a", "m", "ə", "", "f", "u"]
    assert phones[0].kind.shut
    assert phones[5].kind.tuck
    assert phones[6].kind.seconds > from_ipa("fu")[1].kind.seconds  # a long vowel lasts
    assert from_ipa("˥˧ .") == []  # tones move no mouth


def test_known_phones_are_laid_along_their_sound() -> None:
    """Loud, silent, loud: the vowels lie where it is loud, in order and without gaps."""
    loud = np.concatenate([np.ones(30), np.zeros(40), np.ones(30)])
    placed = align(from_ipa("a\na"), hearing(loud))
    assert [phone.symbol for phone in placed] == ["a", "", "a"]
    assert placed[1].begin == pytest.approx(0.3, abs=0.03)
    assert placed[1].end == pytest.approx(0.7, abs=0.03)
    assert all(before.end == pytest.approx(after.begin) for before, after in itertools.pairwise(placed))


def hearing(loud: np.ndarray):
    from facezoo.speech.hear import Heard

    return Heard(loud, np.where(loud > 0.5, 120.0, 0.0), np.full_like(loud, 0.05))


def test_lips_meet_at_m_and_open_at_a() -> None:
    phones = align(from_ipa("amama"), hearing(np.concatenate([np.zeros(20), np.ones(60), np.zeros(20)])))
    template = perform(phones, hearing(np.concatenate([np.zeros(20), np.ones(60), np.zeros(20)])))
    opening = [float(motion.expression[14, 1] - motion.expression[13, 1]) for motion in template.motions]
    at = {phone.middle: opening[round((phone.middle - 0.02) * 25)] for phone in phones}
    closed = [at[phone.middle] for phone in phones if phone.symbol == "m"]
    opened = [at[phone.middle] for phone in phones if phone.symbol == "a"]
    assert max(closed) < 0.03 < 0.1 < min(opened)
    assert template.rate == FRAMES_A_SECOND
    assert len(template.motions) == 25


def test_same_seed_same_speech_and_no_life_no_head() -> None:
    phones, heard = from_ipa("mama"), hearing(np.concatenate([np.zeros(20), np.ones(60), np.zeros(40)]))
    placed = align(phones, heard)
    first, again, other = (perform(placed, heard, seed=seed) for seed in (1, 1, 2))
    assert all((a.rotation == b.rotation).all() for a, b in zip(first.motions, again.motions, strict=True))
    assert any((a.rotation != b.rotation).any() for a, b in zip(first.motions, other.motions, strict=True))
    still = perform(placed, heard, life=0)
    assert all(np.allclose(motion.rotation, np.eye(3)) for motion in still.motions)


@needs_espeak
@pytest.mark.parametrize("voice", ["en", "de", "es", "fr", "zh"])
def test_sentences_in_five_languages(tmp_path: Path, voice: str) -> None:
    sentence = {"en": SENTENCE, "de": "Guten Abend, meine Damen.", "es": "Buenos días, mamá.",
                "fr": "Bonjour, mes amis.", "zh": "你好,妈妈。"}[voice]  # fmt: skip
    path, phones = say(sentence, tmp_path, voice=voice)
    sound = read_sound(path)
    assert any(phone.kind.shut for phone in phones)
    assert phones[-1].end == pytest.approx(sound.seconds, abs=0.02)
    assert all(phone.begin < phone.end for phone in phones)
    assert len(voices()) > 50


def test_what_cannot_be_said_is_refused(tmp_path: Path) -> None:
    for sentence in ("", "  \n", "🙂🙂", "...", "a " * MOST_SIGNS):
        with pytest.raises(UsageError):
            check_sentence(sentence)
    if voices():
        with pytest.raises(UsageError, match="no voice"):
            say("hello", tmp_path, voice="klingon")
        with pytest.raises(UsageError, match="speed"):
            say("hello", tmp_path, speed=9999)


PANGRAMS = {
    "en": "The quick brown fox jumps over the lazy dog. Measure which church vision; thing this judge.",
    "de": "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. Ich auch, schöne Häuser.",
    "es": "El veloz murciélago hindú comía feliz cardillo y kiwi. La cigüeña tocaba el saxofón, año, llave.",
    "fr": "Portez ce vieux whisky au juge blond qui fume. Un bon vin blanc, agneau, huit.",
    "cmn": "我在这面墙上挂了五百年，从来没有人问过我在想什么。女人吃鱼，日本热。",
    "it": "Pranzo d'acqua fa volti sghembi. Gli gnocchi.", "pt": "Luís argüia à Júlia que brações, fé, zângão.",
    "nl": "Pa's wijze lynx bezag vroom het fikse aquaduct.", "pl": "Pchnąć w tę łódź jeża lub ośm skrzyń fig.",
    "ru": "Съешь же ещё этих мягких французских булок.", "ar": "نص حكيم له سر قاطع وذو شأن عظيم",
    "ja": "いろはにほへと ちりぬるを", "hi": "ऋषियों को सताने वाले दुष्ट राक्षसों", "ko": "키스의 고유조건은 입술끼리",
    "sv": "Flygande bäckasiner söka hwila på mjuka tuvor.", "tr": "Pijamalı hasta yağız şoföre çabucak güvendi.",
}  # fmt: skip


@needs_espeak
@pytest.mark.parametrize("voice", PANGRAMS)
def test_every_sound_of_a_language_moves_the_mouth(voice: str) -> None:
    """No letter of what espeak-ng transcribes is unknown: each is some phone."""
    ipa = subprocess.run(
        ["espeak-ng", "-v", voice, "-q", "--ipa", PANGRAMS[voice]], capture_output=True, text=True, check=True
    )
    letters = [sign for sign in unicodedata.normalize("NFD", re.sub(r"\([a-z-]+\)", "", ipa.stdout))
               if unicodedata.category(sign) in ("Ll", "Lo")]  # fmt: skip
    phones = [phone.symbol for phone in transcribe(PANGRAMS[voice], voice) if phone.symbol]
    assert len(letters) > 15
    assert phones == letters


def test_languages_that_are_named_are_no_sounds() -> None:
    assert [phone.symbol for phone in from_ipa("(en)ma(cmn)na")] == ["m", "a", "n", "a"]


def test_captions_are_read_while_they_are_heard() -> None:
    """Each phrase lasts as long as its share of the phones; pauses are in none; marks of WebVTT are words."""
    sentence = "Mama, mama, my mother <b>sings</b> & says: nobody asked me what I think of this wall. Papa!"
    lines = phrases(sentence)
    assert " ".join(lines) == sentence
    assert max(map(len, lines)) <= 42
    assert lines[-1] == "Papa!"
    assert phrases("你好，妈妈。我在墙上。") == ["你好，妈妈。", "我在墙上。"]
    words = align(from_ipa("ma\nna"), hearing(np.concatenate([np.ones(30), np.zeros(40), np.ones(30)])))
    cues = cues_of("Ma ma ma. Na!", words, lambda phrase: from_ipa("ma"))
    assert [cue.text for cue in cues] == ["Ma ma ma.", "Na!"]
    assert cues[0].end == pytest.approx(0.3, abs=0.04)
    assert cues[1].begin == pytest.approx(0.7, abs=0.04)
    assert webvtt(cues).splitlines()[:3] == ["WEBVTT", "", f"00:00:00.000 --> 00:00:00.{round(cues[0].end * 1000):03}"]
    assert webvtt([Cue("<i> & --> x", 3661.5, 3662)]).endswith(
        "01:01:01.500 --> 01:01:02.000\n&lt;i&gt; &amp; --&gt; x\n"
    )
    assert webvtt(()) == ""


@needs_espeak
def test_a_sentence_leaves_captions_and_a_motion(tmp_path: Path) -> None:
    with spoken(SENTENCE, manner=Manner(speaker="woman")) as speech:
        saved = load_template(save_template(speech, tmp_path / "said.motion"))
        heard = read_sound(speech.sound)
        assert speech.voice == "synthetic, espeak-ng en, woman"
        assert np.median(hear(heard).pitch[hear(heard).pitch > 0]) > 150
        assert "Hello." in speech.captions
    assert len(saved.motions) == len(speech.motions)
    for kept, motion in zip(saved.motions, speech.motions, strict=True):
        assert np.abs(kept.expression - motion.expression).max() < 0.01
    with pytest.raises(UsageError, match="speaker"), spoken(SENTENCE, manner=Manner(speaker="child")):
        pass
    with pytest.raises(UsageError, match="number"):
        Manner(speed="fast")


@needs_espeak
def test_a_sentence_is_never_an_argument(tmp_path: Path) -> None:
    """It goes in on standard input: options, quotes and mark-up in it are words."""
    target = tmp_path / "stolen.wav"
    path, phones = say(f'-w {target} --path=/tmp "; touch {target}; <audio src="file:///etc/passwd"/>', tmp_path)
    assert not target.exists()
    assert path.exists()
    assert phones


@needs_espeak
def test_a_voice_that_plays_nothing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """espeak-ng greets PulseAudio, which would make folders."""
    for name in ("HOME", "TMPDIR", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    assert transcribe("hello")
    assert list(tmp_path.iterdir()) == []


def test_without_a_synthesiser_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    voices.cache_clear()
    try:
        with pytest.raises(UsageError, match="espeak-ng") as caught:
            say("hello", tmp_path)
        assert "apt-get" in caught.value.advice
    finally:
        voices.cache_clear()


def test_sounds_without_a_voice_are_refused(tmp_path: Path, empty_temp: Path) -> None:
    silence = written(tmp_path / "silence.wav", np.zeros(2 * RATE))
    noise = written(tmp_path / "noise.wav", np.random.default_rng(0).normal(0, 0.1, 2 * RATE))
    short = written(tmp_path / "short.wav", voice_like(0.1))
    pytest.importorskip("pocketsphinx", reason="needs facezoo[speech]")
    for path in (silence, noise, short):
        with pytest.raises(UsageError, match="voice"), spoken(sound=path, consent=True):
            pass


def test_bad_sounds_are_typed_errors(tmp_path: Path, landscape: Path) -> None:
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.wav").write_text("this is no sound")
    (tmp_path / "cut.wav").write_bytes(b"RIFF\x00\x00\x00\x00WAVEfmt ")
    long = written(tmp_path / "long.wav", np.zeros(62 * RATE))
    for name, kind in (("empty.wav", Unreadable), ("text.wav", BadInput), ("cut.wav", Unreadable)):
        with pytest.raises(kind):
            read_sound(tmp_path / name)
    with pytest.raises(TooLarge):
        read_sound(long)
    with pytest.raises(FacezooError):
        read_sound(landscape)
    with pytest.raises(Unreadable):
        read_sound(tmp_path / "nowhere.wav")


def test_music_is_spoken_with_a_note(tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx", reason="needs facezoo[speech]")
    times = np.arange(3 * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * pitch * k * times) / k for pitch in (196, 247, 294) for k in range(1, 6))
    swell = 1 + 0.2 * np.sin(2 * np.pi * 4 * times)
    with spoken(sound=written(tmp_path / "chord.wav", 0.05 * chord * swell), consent=True) as speech:
        assert "music" in speech.notes[0]
        assert notes_of(speech) == [*speech.notes]


@needs_espeak
def test_speech_alone_needs_no_note(said: Path) -> None:
    with spoken(SENTENCE, said, consent=True) as speech:
        assert speech.notes == ()


def test_a_voice_needs_consent(tmp_path: Path) -> None:
    with pytest.raises(ConsentRequired), spoken(sound=written(tmp_path / "hum.wav", voice_like(1.0))):
        pass
    with pytest.raises(UsageError, match="either"), spoken():
        pass


def test_the_less_sure_the_phones_the_more_the_jaw_follows_loudness() -> None:
    loud = np.clip(np.sin(np.arange(200) / 12), 0, 1)
    phones = align(from_ipa("iminini"), hearing(loud))
    found = [followed(jaw(perform(phones, hearing(loud), certain=certain)), loud)[0] for certain in (1.0, 0.5)]
    assert found[1] > found[0]


def jaw(template: Template) -> np.ndarray:
    return np.array([float(motion.expression[14, 1] - motion.expression[13, 1]) for motion in template.motions])


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_sound_that_a_film_can_carry_is_copied(tmp_path: Path, portrait: Path, said: Path) -> None:
    pytest.importorskip("pocketsphinx", reason="needs facezoo[speech]")
    import av

    source = tmp_path / "voice.m4a"
    with av.open(str(said)) as wave_file, av.open(str(source), "w") as file:
        stream = file.add_stream("aac", rate=22_050)
        for frame in wave_file.decode(audio=0):
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    film = tmp_path / "film.mp4"
    with spoken(sound=source, consent=True) as speech:
        runner.run("motion_transfer", portrait, driving=speech, output=film)
    packets: list[list[bytes]] = []
    for path in (source, film):
        with av.open(str(path)) as file:
            packets.append([bytes(packet) for packet in file.demux(audio=0) if packet.size])
    assert packets[0] == packets[1]
    frames = sum(1 for _ in open_clip(film).frames())
    assert frames / 25 == pytest.approx(read_sound(source).seconds, abs=0.04)


@pytest.mark.slow
def test_a_portrait_says_a_sentence(tmp_path: Path, portrait: Path) -> None:
    """A film as long as its sound; lips shut at m, b and p and open with the loudness; it says whose voice it is."""
    if not voices():
        pytest.skip("espeak-ng is not installed")
    film = tmp_path / "film.mp4"
    with spoken(SENTENCE, manner=Manner(life=0.5)) as speech:
        sealed = runner.run("motion_transfer", portrait, driving=speech, output=film)
        heard = hear(read_sound(speech.sound))
        _, phones = say(SENTENCE, tmp_path)
    assert sealed.record["driving"] == {"kind": "speech", "name": "speech", "voice": "synthetic, espeak-ng en"}
    assert "synthetic, espeak-ng en" in str(sealed.manifest)
    assert read_sound(film).seconds == pytest.approx(len(heard.loudness) * STEP, abs=0.08)
    opening = openings(film)
    assert len(opening) / 25 == pytest.approx(len(heard.loudness) * STEP, abs=0.04)
    best, lag = followed(opening, heard.loudness)
    assert best >= 0.6
    assert abs(lag) <= 0.04
    shut = [opening[max(round((phone.middle - 0.02) * 25) - 1, 0) :][:3].min() for phone in phones if phone.kind.shut]
    closed = np.quantile(opening, 0.05) + 0.25 * np.ptp(opening)
    assert np.mean(np.array(shut) < closed) >= 0.9


def openings(film: Path) -> np.ndarray:
    """Between the lips, in widths between the outer eye corners, frame by frame."""
    found: list[float] = []
    marks = None
    for frame in open_clip(film).frames():
        marks = find_faces(frame.image)[0].landmarks if marks is None else track_mesh(frame.image, marks)
        mesh = marks.mesh
        found.append(float(np.linalg.norm(mesh[13] - mesh[14]) / np.linalg.norm(mesh[33] - mesh[263])))
    return np.array(found)


def followed(opening: np.ndarray, loudness: np.ndarray) -> tuple[float, float]:
    """The best correlation of opening and loudness, and the lag in seconds at which it is reached."""
    times, smooth = np.arange(len(opening)) / 25, np.convolve(loudness, np.ones(9) / 9, "same")
    lags = np.arange(-0.2, 0.21, 0.02)
    found = [np.corrcoef(np.interp(times + lag, np.arange(len(smooth)) * STEP, smooth), opening)[0, 1] for lag in lags]
    return float(np.max(found)), float(lags[int(np.argmax(found))])


@pytest.mark.slow
def test_a_recording_drives_too(tmp_path: Path, portrait: Path, said: Path) -> None:
    pytest.importorskip("pocketsphinx", reason="needs facezoo[speech]")
    phones = PocketSphinx()(read_sound(said))
    assert sum(phone.kind.shut for phone in phones) >= 2
    with spoken(sound=said, consent=True) as speech:
        assert speech.voice == "recording"
        sealed = runner.run("motion_transfer", portrait, driving=speech, output=tmp_path / "film.mp4")
    assert sealed.record["driving"]["voice"] == "recording"


@needs_espeak
def test_words_that_are_known_make_a_recording_exact(said: Path) -> None:
    """The same phones at nearly the same times as the synthesiser's own; captions; and what does not fit is refused."""
    with spoken(SENTENCE, said, consent=True) as told, spoken(SENTENCE) as synthesised:
        assert told.voice == "recording"
        assert told.captions.count("-->") == synthesised.captions.count("-->") > 0
        lips = np.corrcoef(jaw(told)[: len(jaw(synthesised))], jaw(synthesised)[: len(jaw(told))])[0, 1]
        assert lips > 0.8
    with pytest.raises(ConsentRequired), spoken(SENTENCE, said):
        pass
    for sentence in ("word " * 150, "Ho"):
        with pytest.raises(UsageError, match="do not fit"), spoken(sentence, said, consent=True):
            pass


@needs_espeak
@pytest.mark.slow
def test_the_command_line_leaves_captions_and_a_motion(tmp_path: Path, portrait: Path) -> None:
    film, captions, motion = tmp_path / "film.mp4", tmp_path / "film.vtt", tmp_path / "said.motion"
    said = ["--say", "Buenos días, mamá.", "--voice", "es", "--speaker", "woman", "--speed", "180", "--life", "0.4"]
    assert execute(["animate", str(portrait), *said, "-o", str(film), "--captions", str(captions), "--keep-motion",
                    str(motion)]) == 0  # fmt: skip
    assert captions.read_text().startswith("WEBVTT")
    again = tmp_path / "again.mp4"
    assert execute(["animate", str(portrait), "--driving", str(motion), "-o", str(again)]) == 0
    first, second = openings(film), openings(again)
    assert len(first) == len(second)
    assert np.abs(first - second).max() < 0.03


@pytest.mark.parametrize(
    "words",
    [
        ["--driving", "nod", "--say", "hello"],
        ["--driving", "nod", "--captions", "x.vtt"],
        ["--sound", "voice.wav", "--captions", "x.vtt"],
        ["--say", "hello", "--captions", "x.srt"],
        ["--say", "hello", "--keep-motion", "nowhere/x.motion"],
        ["--say", "🙂"],
        ["--say", "hello", "--life", "9"],
    ],
)
def test_what_does_not_go_together_is_a_usage_error(
    tmp_path: Path, portrait: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert execute(["animate", str(portrait), *words, "-o", "film.mp4"]) == UsageError.exit_code
    assert list(tmp_path.iterdir()) == []
