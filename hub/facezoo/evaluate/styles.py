"""How good the translation of photos into paintings and back is, against two baselines.

    python -m facezoo.evaluate.styles --weights FOLDER --photos FOLDER --paintings FOLDER [--style old_masters] -o DIR

Take pictures that were not learned from. DIR/metrics.json holds every figure with its n and 95 % bootstrap interval
over pictures, and the scores for a model card; DIR/sheet.png, labelled and signed, shows some of the pictures.
Baselines: "copied input", and "colour transfer", which gives a picture the mean and spread of the other kind's colours
in CIE Lab (Reinhard et al. 2001, "Color Transfer between Images"). "true pictures" is one half of the other kind
against its other half: as near as two heaps of one kind come; for the judge, `evaluate.painted`, it is how often it is
right about pictures of both kinds that it has not learned from. The colour transfer is what it learns to see through.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from facezoo.errors import FacezooError, NoFace, UsageError
from facezoo.evaluate.figures import score_of
from facezoo.evaluate.metrics import features, find_again, kept, kernel_distance, why_no_identity
from facezoo.evaluate.painted import taken_for
from facezoo.evaluate.subjects import Subject, lock_of, read_folder, spread
from facezoo.face.embedding import describe
from facezoo.face.find import find_faces
from facezoo.face.paste import from_lab, moments, to_lab, with_moments
from facezoo.media.read import open_clip, read_photo
from facezoo.media.sheet import side_by_side
from facezoo.methods.cyclegan.pipeline import CycleGan
from facezoo.methods.cyclegan.spec import Params
from facezoo.safety import admission
from facezoo.safety.seal import Claim, seal
from facezoo.types import Face, Frame, Image
from facezoo.zoo.embedded import consent_free
from facezoo.zoo.figures import Figure, mean
from facezoo.zoo.manifest import fingerprint
from facezoo.zoo.record import Score

__all__ = ["MEASURES", "evaluate_styles", "recolored"]

COPIED, RECOLORED, OURS, TRUE = "copied input", "colour transfer", "cyclegan", "true pictures"
MEASURES = {
    "kernel": "kernel distance to true pictures of the other kind (statistics of random 7 x 7 px filters; not KID)",
    "taken": "share taken for a picture of the other kind by a judge of strokes and colours that never saw its input",
    "cycle": "difference of what went there and back, grey levels of 255",
    "identity": "difference of what the other network makes of a picture of its own kind, grey levels of 255",
    "nme": "landmark error against the input, % of inter-ocular distance",
    "to_input": "distance to the input (dlib ResNet embedding)",
    "found": "share of faces that are found again in the result",
}
_BETTER: dict[str, Literal["higher", "lower"]] = {"found": "higher", "taken": "higher"}  # of all others less is better
_SIDE = 256  # px, the longer side at which pictures are translated and compared
_SHOWN = 4  # pictures of each kind on the sheet
_FEWEST = 4  # pictures of each kind: halves are compared

Style = Literal["van_gogh", "van_gogh_bright", "old_masters"]
STYLES: dict[Style, str] = {"van_gogh": "van Gogh", "van_gogh_bright": "bright van Gogh", "old_masters": "old masters"}
Task = Literal["photo_to_painting", "painting_to_photo"]
_WAYS: dict[Task, tuple[str, str]] = {
    "photo_to_painting": ("photos", "paintings"),
    "painting_to_photo": ("paintings", "photos"),
}


@dataclass(frozen=True, eq=False)
class _Heap:
    """The pictures of one kind, each with its largest face where one is found."""

    subjects: list[Subject]
    pictures: list[Image]
    faces: list[Face | None]


def evaluate_styles(
    weights: Path, photos: Path, paintings: Path, output: Path, *, style: Style = "van_gogh", consent: bool = False,
    most: int = 0, progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:  # fmt: skip
    """Measure both ways, write output/metrics.json and output/sheet.png, and give what metrics.json holds.

    weights: a folder that `CycleGan.save_pretrained` wrote. style: of the paintings. most: pictures of each kind at
    most, evenly chosen; 0 takes all. Raises UsageError (too few pictures, a style that the weights do not know),
    ConsentRequired, ContentRefused, BadInput, WeightsUnavailable."""
    pipeline = CycleGan.from_pretrained(weights)
    heaps = {name: _read(folder, consent, most) for name, folder in (("photos", photos), ("paintings", paintings))}
    described = not why_no_identity()
    ways: dict[Task, dict[str, dict[str, Figure]]] = {}
    rows: list[tuple[str, Image]] = []
    for task, (ours, theirs) in _WAYS.items():
        progress(f"{task}, {len(heaps[ours].pictures)} pictures")
        made = _made(pipeline, style, task, heaps[ours].pictures, heaps[theirs].pictures)
        ways[task] = _measured(heaps[ours], heaps[theirs].pictures, made, described)
        rows += _shown(heaps[ours].pictures, made)
    version = fingerprint(weights)
    metrics: dict[str, Any] = {
        "method": CycleGan.spec.id,
        "weights": version,
        "side": _SIDE,
        "style": style,
        "identity": "dlib ResNet (2017), 128 numbers a face" if described else "",
        "pictures": {name: lock_of(heap.subjects) for name, heap in heaps.items()},
        "measures": MEASURES,
        "ways": {task: {name: {key: asdict(figure) for key, figure in column.items()} for name, column in way.items()}
                 for task, way in ways.items()},
        "scores": [asdict(score) for task, way in ways.items()
                   for score in _scores(style, task, way, heaps[_WAYS[task][0]])],
    }  # fmt: skip
    output.mkdir(parents=True, exist_ok=True)
    (output / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    _seal_sheet(rows, heaps, version, Params(style=style), output / "sheet.png")
    return metrics


def recolored(picture: Image, others: Sequence[Image]) -> Image:
    """The picture (H, W, 3) RGB uint8 with the mean and spread, in CIE Lab, that the others have on average."""
    wanted = np.mean([moments(to_lab(other).reshape(-1, 3)) for other in others], axis=0)
    lab = to_lab(picture)
    rgb = from_lab(with_moments(lab, moments(lab.reshape(-1, 3)), wanted))
    return np.clip(rgb, 0, 255).round().astype(np.uint8)


def _read(folder: Path, consent: bool, most: int) -> _Heap:
    subjects = read_folder(folder, "photos", consent)
    subjects = [subjects[number] for number in spread(len(subjects), most or len(subjects))]
    if len(subjects) < _FEWEST:
        raise UsageError(f"There are {len(subjects)} pictures in {folder}.", f"At least {_FEWEST} are needed.")
    pictures: list[Image] = []
    for subject in subjects:
        picture = read_photo(subject.path)
        if subject.sha256 not in consent_free():
            admission.check_content(picture)
        ratio = _SIDE / max(picture.shape[:2])
        size = (max(32, round(picture.shape[1] * ratio)), max(32, round(picture.shape[0] * ratio)))
        smooth = cv2.INTER_AREA if ratio < 1 else cv2.INTER_CUBIC
        pictures.append(np.asarray(cv2.resize(picture, size, interpolation=smooth), np.uint8))
    return _Heap(subjects, pictures, [next(iter(find_faces(each)), None) for each in pictures])


def _made(
    pipeline: CycleGan, style: Style, task: Task, ours: list[Image], theirs: list[Image]
) -> dict[str, list[Image]]:
    """What becomes of our pictures: by the name of each column, and "back" and "same" of the networks."""
    other: Task = "painting_to_photo" if task == "photo_to_painting" else "photo_to_painting"

    def turned(pictures: list[Image], task: Task) -> list[Image]:
        params = Params(task=task, style=style, size=str(_SIDE))  # pyright: ignore[reportArgumentType]
        return [pipeline.restyle(each, [], params=params) for each in pictures]

    there = turned(ours, task)
    recolor = [recolored(each, theirs) for each in ours]
    return {COPIED: ours, RECOLORED: recolor, OURS: there, "back": turned(there, other), "same": turned(ours, other)}


def _measured(
    heap: _Heap, theirs: list[Image], made: dict[str, list[Image]], described: bool
) -> dict[str, dict[str, Figure]]:
    """The figures of each column."""
    true, compared = features(theirs), (COPIED, RECOLORED, OURS)
    right, taken = taken_for(heap.pictures, made[RECOLORED], theirs, {name: made[name] for name in compared})
    columns: dict[str, dict[str, Figure]] = {
        TRUE: {"kernel": kernel_distance(true[::2], true[1::2], true), "taken": right}
    }
    for name in compared:
        column = columns[name] = {"kernel": kernel_distance(features(made[name]), true, true), "taken": taken[name]}
        if name != COPIED:
            column |= _faces_kept(heap, made[name], described)
    names = [each.name for each in heap.subjects]
    for measure, pictures in (("cycle", made["back"]), ("identity", made["same"])):
        errors = [float(np.abs(a.astype(np.float32) - b).mean()) for a, b in zip(heap.pictures, pictures, strict=True)]
        columns[OURS][measure] = mean(errors, names)
    return columns


def _faces_kept(heap: _Heap, made: list[Image], described: bool) -> dict[str, Figure]:
    """What is left of each face that was found before."""
    values: dict[str, list[float]] = {"nme": [], "to_input": [], "found": []}
    names: dict[str, list[str]] = {name: [] for name in values}
    for subject, before, face, after in zip(heap.subjects, heap.pictures, heap.faces, made, strict=True):
        if face is None:
            continue
        row = {"found": 1.0}
        try:
            again = find_again(face, after)
            row["nme"] = kept(face, again).landmark_error
            if described:
                ours, theirs = describe(before, face.landmarks.mesh), describe(after, again.landmarks.mesh)
                row["to_input"] = float(np.linalg.norm(ours - theirs))
        except NoFace:
            row["found"] = 0.0
        for name, value in row.items():
            values[name].append(value)
            names[name].append(subject.name)
    return {name: mean(found, names[name]) for name, found in values.items() if found}


def _scores(style: Style, task: Task, way: dict[str, dict[str, Figure]], heap: _Heap) -> list[Score]:
    """The method's figures as a model card has them, the other columns beside them."""
    source, target = _WAYS[task]
    version = lock_of(heap.subjects)["sha256"][:8]
    dataset = f"{source} into {target}, {STYLES[style]}, {len(heap.subjects)} pictures ({version})"
    scores: list[Score] = []
    for measure, title in MEASURES.items():
        found = {name: column[measure] for name, column in way.items() if measure in column}
        if OURS in found:
            scores.append(score_of(measure, title, dataset, _BETTER.get(measure, "lower"), found, OURS))
    return scores


def _shown(ours: list[Image], made: dict[str, list[Image]]) -> list[tuple[str, Image]]:
    """A few rows: the input, recolored, translated, and back again."""
    titles = (("Input", COPIED), ("Colour transfer", RECOLORED), ("CycleGAN", OURS), ("And back again", "back"))
    return [(title, made[name][number]) for number in spread(len(ours), _SHOWN) for title, name in titles]


def _seal_sheet(
    rows: list[tuple[str, Image]], heaps: dict[str, _Heap], version: str, params: Params, path: Path
) -> None:
    spec = CycleGan.spec
    shown = [heap.subjects[number] for heap in heaps.values() for number in spread(len(heap.subjects), _SHOWN)]
    weights = {"repo": "", "revision": "", "sha256": version}
    sources = tuple(each.sha256 for each in shown)
    claim = Claim(spec.id, spec.title, spec.year, weights, None, asdict(params), 0, sources, "restyle")
    seal(iter([Frame(side_by_side(rows), 0.0)]), path, claim=claim, clip=open_clip(shown[0].path))


def main(words: Sequence[str] | None = None) -> int:
    """The command line of this module; gives its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m facezoo.evaluate.styles",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name in ("weights", "photos", "paintings"):
        parser.add_argument(f"--{name}", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--style", choices=list(STYLES), default="van_gogh", help="whose paintings they are")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--most", type=int, default=0, metavar="N", help="pictures of each kind at most, evenly chosen")
    parser.add_argument("--consent", action="store_true", help="every face in the folders may be used")
    given = parser.parse_args(words)
    try:
        metrics = evaluate_styles(
            given.weights, given.photos, given.paintings, given.output, style=given.style, consent=given.consent,
            most=given.most,
            progress=lambda said: print(said, file=sys.stderr, flush=True),
        )  # fmt: skip
    except FacezooError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for task, way in metrics["ways"].items():
        for name, column in way.items():
            told = "  ".join(f"{key} {each['mean']:.3f} ({each['low']:.3f} to {each['high']:.3f})"
                             for key, each in column.items())  # fmt: skip
            print(f"{task}  {name}: {told}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
