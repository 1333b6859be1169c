"""What every method is: a pipeline with diffusers' verbs, safetensors only; and the kinds of them.

    Pipeline            networks read, kept, uploaded
    ├ FacePipeline      faces in, aligned crops out
    │ ├ RestylePipeline   whole pictures too
    │ └ PeoplePipeline    puts on people whom its networks know (drawn_people: paints them as one asks)
    └ AnimationPipeline one face in, a film out (moved_photo: by a driver's mesh)

A saved pipeline is a folder:

    config.json                 {"method": "cyclegan", "facezoo": "0.1.0", "components": ["generator"]}
    generator/config.json       the network's constructor arguments (diffusers)
    generator/diffusion_pytorch_model.safetensors

torch and diffusers are imported on first use: a method without networks never loads them.
"""

from __future__ import annotations

import json
import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, cast

from facezoo.errors import UsageError, WeightsUnavailable
from facezoo.types import Clip, Face, Frame, Image, MethodSpec, Progress, Step, Weights
from facezoo.zoo.manifest import fingerprint
from facezoo.zoo.pull import REPO, fetch_repository

if TYPE_CHECKING:
    from facezoo.motion.template import Template
    from facezoo.zoo.push import Pushed
    from facezoo.zoo.record import Record

__all__ = ["Animation", "AnimationPipeline", "FacePipeline", "PeoplePipeline", "Pipeline", "RestylePipeline",
           "fingerprint"]  # fmt: skip


class Pipeline(ABC):
    """A method, ready to run, by several threads at once. Subclasses set `spec` and name their networks in
    `components`.

    components: name -> class, a `diffusers.ModelMixin` (its constructor arguments are its config) or anything else of
    diffusers with from_pretrained and save_pretrained, a scheduler for example. networks holds their instances, weights
    says which ones they are: those of the SPEC, unless the registry found others."""

    spec: ClassVar[MethodSpec]
    components: ClassVar[Mapping[str, type[Any]]] = {}

    def __init__(self, networks: Mapping[str, Any] | None = None) -> None:
        self.networks: dict[str, Any] = dict(networks or {})
        self.weights: Weights = self.spec.weights
        self._quick: dict[str, Any] = {}
        self._lock = threading.RLock()  # held while something is made that is kept
        if not self.complete(self.networks):
            raise UsageError(
                f"{type(self).__name__} needs the components {sorted(self.components)}, not {sorted(self.networks)}.",
                "Give each network by the name that `components` gives it, or use from_pretrained.",
            )

    @classmethod
    def complete(cls, names: Iterable[str]) -> bool:
        """Whether these are the networks that the method needs: all of its components, unless it says otherwise."""
        return set(names) == set(cls.components)

    @classmethod
    def from_pretrained(cls, folder_or_repo: str | Path, *, revision: str = "", sha256: str = "") -> Self:
        """Read the networks from a folder, or from a Hub repository at a commit.

        revision: 40 hex digits, needed for a repository: branches move, commits do not, and a commit that is in the
        cache costs no request. sha256: when given, `fingerprint` of what was read must equal it.
        Raises UsageError (repository without commit), WeightsUnavailable (missing, changed, another method's, or a
        repository that says nothing of licence and consent). `registry.load` checks every single file as well."""
        folder = _folder(folder_or_repo, revision, cls.spec.id)
        names = _check_config(folder, cls)
        if sha256 and fingerprint(folder) != sha256:
            raise WeightsUnavailable(
                f"The weights in {folder_or_repo} are not the ones facezoo was published with (sha256 differs).",
                "Delete them and fetch them again; if it happens again, do not trust that repository.",
            )
        return cls({name: _load_component(cls.components[name], folder, name) for name in names})

    def save_pretrained(self, folder: str | Path) -> Path:
        """Write config.json and one subfolder a network (safetensors) into folder, made when missing. Gives folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name, network in self.networks.items():
            network.save_pretrained(folder / name)
        config = {"method": self.spec.id, "facezoo": version("facezoo"), "components": sorted(self.networks)}
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        return folder

    def push_to_hub(self, repo_id: str, *, record: Record, card: str, private: bool = False, tag: str = "") -> Pushed:
        """Upload the pipeline to a Hub repository, made when missing. The commit that is given is the one to pin.

        record: licence, data and consent, training, scores. card: text of its README.md, as `zoo.cards.render` makes
        it. The same bytes again make no commit. Errors as `zoo.push.push`."""
        from facezoo.zoo.push import push_weights

        with tempfile.TemporaryDirectory(prefix="facezoo-") as temporary:
            folder = self.save_pretrained(temporary)
            return push_weights(folder, repo_id, record=record, card=card, private=private, tag=tag)

    def quick(self, name: str) -> Any:
        """The network of this name for painting alone: on a processor a copy that needs less time, see `nn.fast`."""
        network = self.networks[name]
        if network.device.type != "cpu" or network.dtype.itemsize != 4:
            return network
        with self._lock:
            if name not in self._quick:
                from facezoo.nn.fast import hasten

                self._quick[name] = hasten(network)
            return self._quick[name]

    def to(self, device: str) -> Self:
        """Move the networks to a torch device ("cpu", "cuda", "mps") and give self."""
        with self._lock:
            self._quick.clear()
            for network in self.networks.values():
                if hasattr(network, "to"):
                    network.to(device)
        return self


class FacePipeline(Pipeline):
    """A method that makes new faces, each in the place of another. Subclasses write `__call__`."""

    @abstractmethod
    def __call__(
        self, targets: Iterator[Face], *, identity: Face | None, params: Any, seed: int = 0
    ) -> Iterator[Image]:
        """Give one aligned crop for each target face, in order: (S, S, 3) RGB uint8, or (S, S, 4) RGBA uint8 whose
        alpha says where the new face is. S = the side of target.crop.

        targets: the chosen face of every frame. identity: the persona's or the consented source's face, None when the
        method takes none. params: an instance of `spec.params`. The same seed gives the same pixels. The runner blends
        each crop back into its frame."""

    def explain(self, target: Face, *, identity: Face | None, params: Any, seed: int = 0) -> list[Step]:
        """The pictures between a face and its result, in order: what the method sees, what it makes of it, where it
        goes. The original and the finished picture are not among them. Arguments as for `__call__`; a method that does
        not override this explains nothing."""
        return []


class Animation(Protocol):
    """A photo at a visitor's fingertips: it follows a webcam, or settings as they are changed."""

    def follow(self, image: Image, time: float) -> Image:
        """The photo as the driver looks in this frame (H, W, 3) RGB uint8, seconds from the first. The first frame with
        a face is the one that motion is relative to; a frame without one leaves the photo as it was."""
        ...

    def pose(self, params: Any) -> Image:
        """The photo as the parameters alone move it."""
        ...

    def recorded(self) -> Template:
        """All that was followed so far, without a picture of the driver. Raises NoFace when nothing was."""
        ...


class AnimationPipeline(Pipeline):
    """A method that brings one photo to life. It gives whole pictures, not crops: nothing is pasted back."""

    @abstractmethod
    def animate(
        self,
        source: Face,
        *,
        others: Sequence[Face] = (),
        driving: Clip | Template | None,
        params: Any,
        seed: int = 0,
        progress: Progress | None = None,
        notes: list[str] | None = None,
    ) -> Iterator[Frame]:
        """Give one frame (whole picture, size of source.frame unless params ask for more) for each of the driver's.

        source: the face to move, in its picture; others: the faces beside it, which must not move. driving: a clip, a
        motion template, or None when params alone move the face: one frame then. notes: what the user should know is
        added to it. Raises NoFace when the driver shows no face."""

    @abstractmethod
    def live(self, source: Face, *, others: Sequence[Face] = (), params: Any) -> Animation:
        """The photo, ready to follow a webcam or settings at once."""


class PeoplePipeline(FacePipeline):
    """A method whose networks know a few people by heart. It puts on `identity`, a persona; without one `person`,
    somebody whom one's own weights know."""

    def __init__(self, networks: Mapping[str, Any] | None = None, *, person: str = "") -> None:
        super().__init__(networks)
        self.person = person

    @property
    @abstractmethod
    def people(self) -> tuple[str, ...]:
        """Who can be put on."""

    def who(self, identity: Face | None) -> str:
        """Who is put on. Raises UsageError for somebody whom the networks do not know."""
        return self.known(identity.persona if identity is not None else self.person)

    def known(self, person: str) -> str:
        """The same. Raises UsageError for somebody whom the networks do not know."""
        if person not in self.people:
            raise UsageError(
                "This method knows only people it was trained on.", f"Choose one of them: {', '.join(self.people)}."
            )
        return person


class RestylePipeline(FacePipeline):
    """A method that repaints whole pictures, with or without a face in them: nothing is pasted back. When it puts a
    persona on (`spec.wears`), it is called with faces, as any other."""

    @abstractmethod
    def restyle(self, image: Image, faces: Sequence[Face], *, params: Any, seed: int = 0) -> Image:
        """The picture (H, W, 3) RGB uint8 repainted, the same size, a new array. faces: all that were found in it,
        perhaps none. params, seed: as for `__call__`."""

    @abstractmethod
    def explain_restyle(self, image: Image, *, params: Any, seed: int = 0) -> list[Step]:
        """The pictures on the way, as `explain` gives them, for a whole picture (H, W, 3) RGB uint8."""


def _folder(folder_or_repo: str | Path, revision: str, method: str) -> Path:
    """The local folder, fetched from the Hub when `folder_or_repo` is no folder here."""
    folder = Path(folder_or_repo)
    if folder.is_dir():
        return folder
    if isinstance(folder_or_repo, Path) or not REPO.fullmatch(str(folder_or_repo)):
        raise WeightsUnavailable(
            f"There are no weights in {folder_or_repo}.", "Give a folder that exists, or a repository owner/name."
        )
    return fetch_repository(str(folder_or_repo), revision, method)


def _check_config(folder: Path, pipeline: type[Pipeline]) -> list[str]:
    """The components in a folder. Raises WeightsUnavailable unless it holds a pipeline of this method with all that it
    needs."""
    try:
        config = cast("dict[str, Any]", json.loads((folder / "config.json").read_text(encoding="utf-8")))
        method, components = config["method"], config["components"]
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise WeightsUnavailable(
            f"{folder} holds no facezoo pipeline.",
            "A pipeline is a folder with config.json, as save_pretrained writes it.",
        ) from problem
    if method != pipeline.spec.id or not pipeline.complete(components):
        raise WeightsUnavailable(
            f"{folder} holds {method} with {components}, not {pipeline.spec.id} with {sorted(pipeline.components)}.",
            "Use the weights that were made for this method and this version of facezoo.",
        )
    return list(components)


def _load_component(kind: type[Any], folder: Path, name: str) -> Any:
    from diffusers.models.modeling_utils import ModelMixin

    safetensors = {"use_safetensors": True} if issubclass(kind, ModelMixin) else {}
    try:
        return kind.from_pretrained(folder / name, local_files_only=True, **safetensors)
    except (OSError, ValueError, RuntimeError) as problem:
        raise WeightsUnavailable(
            f"The component {name} in {folder} cannot be loaded.", "Fetch the weights again, or save them again."
        ) from problem
