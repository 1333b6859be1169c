"""Putting a generated face back: mask, colour, light, edge; and the transfer of colours that others use too.

Sources: Reinhard et al. 2001, "Color Transfer between Images"; Pitie & Kokaram 2007, "The Linear Monge-Kantorovitch
Linear Colour Mapping for Example-Based Colour Transfer"; Perez et al. 2003, "Poisson Image Editing"; Bhat et al. 2008,
"Fourier Analysis of the 2D Screened Poisson Equation for Gradient Domain Problems".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.covering import look_for_cover
from facezoo.face.find import move
from facezoo.face.mesh import FACE_OVAL, smoothstep, topology
from facezoo.face.occlusion import features, half_lit, in_front, skin_patch, unlike_skin
from facezoo.types import Face, Image, Mask, Points

__all__ = ["face_mask", "fit", "from_lab", "match_color", "moments", "paste", "settings_of", "sharpened", "to_lab",
           "with_moments"]  # fmt: skip

Color = Literal["reinhard", "mkl", "none"]
Blend = Literal["poisson", "feather"]

_GAIN = (0.35, 1.1)  # bounds of a colour gain: more would turn shading into stains
_SHRINK = (6.0, 4.0, 4.0)  # Lab units
_SHINE = 9.0  # Lab units above the skin from which highlights of the other picture's light are damped
_SHADOW = 0.75  # of the skin's lightness, below which its colour fades
_DARK, _DARKEST, _HUE = 0.45, 0.003, 8.0  # of the skin's lightness; share of a face; Lab units
_TONES = (0.5, 99.5)  # percentiles of lightness that are a picture's black and white
_FADED = (55.0, 42.0)  # lightness between these two below which a picture is faded, hazy or dark
_STAGE = (24.0, 40.0)  # Lab units between the skins from which light is coloured
_VIVID = 97  # percentile of how far colours of the face lie from its skin's, that is the most
_KNEE = 0.6  # of the way from the skin to them, from which tones are bent
_ANALYSIS = 320  # px: masks are found on a crop of at most this side
_SOLVE = 64  # px: light varies slowly, so the screened Poisson equation is solved on this grid
_LOG_OFFSET = 12.0  # added before the logarithm, so that noise in black does not rule
_LIGHT, _STAGE_LIGHT = (0.045, 0.9), (0.5, 2.5)  # pull of the picture's light inside the face; its most, in logs


def paste(face: Face, generated: Image, *, color: Color = "mkl", blend: Blend = "poisson", grain: float = 0.0) -> Image:
    """The face's whole frame with a generated face in place of it: (H, W, 3) RGB uint8, a new array.

    generated: (S, S, 3) RGB or (S, S, 4) RGBA uint8, aligned as `face.crop`; where alpha is 0 the frame stays. color
    and blend: see the sources above; "feather" is a soft edge alone. grain in [0, 1] lays the picture's own finest
    texture over the new skin. Hair, glasses and other people in front of the face stay in front."""
    return _return_to_frame(face, *fit(face, generated, color=color, blend=blend, grain=grain))


def fit(
    face: Face, generated: Image, *, color: Color = "mkl", blend: Blend = "poisson", grain: float = 0.0
) -> tuple[NDArray[np.float32], Mask]:
    """What `paste` lays over the picture: the generated face in the picture's colours and light, (S, S, 3) float32 RGB,
    about [0, 255], not clipped; and how much of it shows, (S, S) float32 in [0, 1]. Arguments as for `paste`."""
    size = face.crop.shape[0]
    mesh = move(face.landmarks.mesh, face.affine)
    alpha = np.ones((size, size), np.float32)
    if generated.shape[2] == 4:
        alpha = np.asarray(generated[..., 3] / 255, np.float32)
    painted = np.ascontiguousarray(generated[..., :3])
    small = _analyse(face.crop, painted, alpha, mesh)
    result = _recolor(painted, small, color)
    if blend == "poisson":
        result = _take_light(result, small)
    result = _match_texture(result, face.crop.astype(np.float32), _enlarge(small.skin, size), grain)
    return result, alpha * _enlarge(small.visible, size) * face_mask(mesh, size)


def settings_of(params: object) -> dict[str, Any]:
    """The settings of `fit` and `paste` that a method's parameters hold, by name."""
    return {name: getattr(params, name) for name in ("color", "blend", "grain") if hasattr(params, name)}


@dataclass(frozen=True, eq=False)
class _Analysis:
    """What colour and light are measured on: both crops at no more than _ANALYSIS px, (A, A, 3) uint8, and masks (A,
    A): where they may be painted over, where both show skin, where the drawn features are, and the inside of the face.
    stage: when half of it lies in the dark, where its light is compared.
    """

    target: Image
    painted: Image
    visible: Mask
    skin: Mask
    drawn: Mask
    inside: Mask
    stage: Mask | None = None


def _analyse(crop: Image, painted: Image, alpha: Mask, mesh: Points) -> _Analysis:
    size = min(crop.shape[0], _ANALYSIS)
    ratio = size / crop.shape[0]
    if ratio < 1:
        side = (size, size)
        crop = np.asarray(cv2.resize(crop, side, interpolation=cv2.INTER_AREA), np.uint8)
        painted = np.asarray(cv2.resize(painted, side, interpolation=cv2.INTER_AREA), np.uint8)
        alpha = np.asarray(cv2.resize(alpha, side, interpolation=cv2.INTER_AREA), np.float32)
        mesh = ((mesh + 0.5) * ratio - 0.5).astype(np.float32)
    cover = look_for_cover(crop, mesh)
    unlikely = unlike_skin(crop, mesh, cover.mask(size))
    visible = 1 - in_front(crop, mesh, cover, unlikely)
    inside = face_mask(mesh, size, feather=0.0)
    certain = np.maximum(unlikely, unlike_skin(painted, mesh)) < 0.5
    skin = alpha * visible * inside * (1 - features(mesh, size)) * certain
    bare = (skin_patch(mesh, size) > 0) & (cover.mask(size) < 0.1)
    stage = None
    if bare.sum() > 50 and half_lit(cv2.cvtColor(crop, cv2.COLOR_RGB2LAB)[bare, 0].astype(np.float32)):
        stage = (alpha * visible * inside * (1 - features(mesh, size))).astype(np.float32)
    return _Analysis(crop, painted, visible, skin.astype(np.float32), features(mesh, size, soft=True), inside, stage)


def _enlarge(mask: Mask, size: int) -> Mask:
    if mask.shape[0] == size:
        return mask
    return np.asarray(cv2.resize(mask, (size, size), interpolation=cv2.INTER_LINEAR), np.float32)


def face_mask(mesh: Points, size: int, *, feather: float = 0.09) -> Mask:
    """(S, S) float32 in [0, 1]: the visible side of the mesh, its edge softened inward over `feather` of the face's
    width (twice that at the forehead, where hair begins)."""
    mask = np.zeros((size, size), np.uint8)
    cv2.fillPoly(mask, [np.round(mesh[list(FACE_OVAL), :2] * 16).astype(np.int32)], 1, shift=4)
    for triangle in mesh[topology().triangles[::3], :2]:
        cv2.fillConvexPoly(mask, np.round(triangle * 16).astype(np.int32), 1, shift=4)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    if feather <= 0:
        return mask.astype(np.float32)
    mask[0, :] = mask[-1, :] = 0
    mask[:, 0] = mask[:, -1] = 0
    width = float(np.linalg.norm(mesh[454, :2] - mesh[234, :2]))
    distance = cv2.distanceTransform(np.asarray(mask, np.uint8), cv2.DIST_L2, 5)
    up = mesh[10, :2] - mesh[152, :2]
    ys, xs = np.mgrid[0:size, 0:size].astype(np.float32)
    height = ((xs - mesh[168, 0]) * up[0] + (ys - mesh[168, 1]) * up[1]) / float(
        up @ up
    )  # 0 at the eyes, about 0.4 at the hairline
    soft = feather * width * (1 + np.clip(height / 0.3, 0, 1))
    return smoothstep(distance, 0, np.maximum(soft, 1.0))


def sharpened(picture: Image, amount: float) -> Image:
    """Unsharp mask over a fiftieth of the side. picture: (S, S, 3) RGB uint8; amount: [0, 1], 0 gives it back."""
    if amount == 0:
        return picture
    values = picture.astype(np.float32)
    fine = values - cv2.GaussianBlur(values, (0, 0), picture.shape[0] / 100)
    return np.clip(values + 2 * amount * fine, 0, 255).round().astype(np.uint8)


def match_color(generated: Image, target: Image, skin: Mask, drawn: Mask, mode: Color) -> NDArray[np.float32]:
    """Moves the colours of `generated` so that on `skin` their mean and spread are the target's, in CIE Lab.

    generated, target: (S, S, 3) RGB uint8; skin, drawn: (S, S) weights, drawn is 1 on eyes, brows and lips: their
    lightness follows a tone curve through black, the skin and white instead, and their hue mostly stays, so that a
    brow is dark and the white of an eye white on any skin. Returns (S, S, 3) float32 RGB, about [0, 255], not clipped.
    """
    return _recolor(generated, _Analysis(target, generated, skin, skin, drawn, skin), mode)


def _recolor(generated: Image, small: _Analysis, mode: Color) -> NDArray[np.float32]:
    """`match_color` with its statistics taken from the small crops."""
    chosen = small.skin > 0.5
    if mode == "none" or chosen.sum() < 50:
        return generated.astype(np.float32)
    ours, theirs = to_lab(small.painted)[chosen], to_lab(small.target)[chosen]
    measure = _reinhard if mode == "reinhard" else _monge_kantorovich
    transport, mean, wanted = measure(_trimmed(ours), _trimmed(theirs))
    color = float(np.clip(np.hypot(*(theirs[:, 1:] - wanted[1:]).std(axis=0)) / 3.0, 0, 1))
    transport[1:] *= color  # a picture in one hue (black and white, sepia) stays in it
    lab = to_lab(generated)
    lab[..., 1:] += _lacking(lab, mean)
    moved = cv2.transform(lab, np.column_stack([transport, wanted - transport @ mean]))
    shine = max(wanted[0] + _SHINE, float(np.percentile(theirs[:, 0], 97)))
    moved[..., 0] -= 0.6 * np.maximum(moved[..., 0] - np.float32(shine), 0)
    vivid = min(1.3, float(np.hypot(*wanted[1:]) / max(float(np.hypot(*mean[1:])), 1.0)))
    lit = float(np.hypot(*(wanted - mean)[1:]))  # in coloured light white is no longer white
    follows = 0.7 + 0.3 * float(np.clip((lit - _STAGE[0]) / (_STAGE[1] - _STAGE[0]), 0, 1))
    tint = color * follows * (wanted - vivid * mean) + (1 - color) * wanted  # beside vividness
    toned = lab * np.float32(color * vivid) + tint.astype(np.float32)
    toned[..., 0] = np.interp(lab[..., 0], (0.0, mean[0], 100.0), (0.0, wanted[0], 50.0 + wanted[0] / 2))
    shaded = lab[..., 0] < mean[0]  # a beard on darker skin gets darker, but not black
    moved[..., 0] = np.where(shaded, np.maximum(moved[..., 0], toned[..., 0]), moved[..., 0])
    moved += (toned - moved) * _enlarge(small.drawn, generated.shape[0])[..., None]
    moved[..., 1:] -= _lacking(moved, wanted)
    inside = to_lab(small.target)[small.inside > 0.5]
    moved[..., 1:] += _of_dark(moved, _enlarge(small.inside, len(moved)), inside, float(wanted[0]))
    return from_lab(_within_tones(np.asarray(moved, np.float32), wanted, to_lab(small.target)[..., 0], inside))


def _lacking(lab: NDArray[np.float32], skin: NDArray[Any]) -> NDArray[np.float32]:
    """(S, S, 2): how much less of the skin's a and b is in what is far darker, a beard or a nostril: black has none of
    it, in light of any colour."""
    share = np.minimum(lab[..., 0] / np.float32(_SHADOW * max(float(skin[0]), 1.0)), 1)
    return np.asarray((1 - np.maximum(share, 0))[..., None] * skin[1:].astype(np.float32), np.float32)


def _of_dark(lab: NDArray[np.float32], face: Mask, theirs: NDArray[np.float32], skin: float) -> NDArray[np.float32]:
    """(S, S, 2): a and b by which the darkest (lashes, nostrils, pupils) comes near to the hue that the darkest of the
    picture's own face has in its light. face: (S, S), where it is; theirs: (N, 3) of it; skin: its lightness."""
    ours, dark = lab[face > 0.5], _DARK * skin
    few = _DARKEST * len(ours), _DARKEST * len(theirs)
    pairs = [each[each[:, 0] < dark] for each in (ours, theirs)]
    if any(len(each) < max(least, 20) for each, least in zip(pairs, few, strict=True)):
        return np.zeros((*lab.shape[:2], 2), np.float32)
    change = np.subtract(*(np.median(each[:, 1:], axis=0) for each in reversed(pairs))).clip(-_HUE, _HUE)
    share = 1 - smoothstep(lab[..., 0], 0.5 * dark, 1.6 * dark)
    return np.asarray(share[..., None] * 0.8 * change, np.float32)


def _within_tones(
    lab: NDArray[np.float32], skin: NDArray[Any], light: NDArray[np.float32], inside: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Colours (S, S, 3) Lab brought softly within what the picture has: in haze no brow is black, in the dark no eye is
    white, and none of them is more colourful than the face was. skin: (3,) its colour. light: (A, A), lightness of the
    crop; where it reaches from black to white nothing changes. inside: (N, 3), of the face alone."""
    ends = np.percentile(light, _TONES)
    faded = float(smoothstep(np.diff(ends), *_FADED)[0])
    if faded == 0:
        return lab
    away = lab - skin.astype(np.float32)
    for end in ends.tolist():
        span = end - float(skin[0])
        share = np.maximum(away[..., 0] / span if abs(span) > 1 else np.zeros_like(away[..., 0]), 1e-6)
        over = np.maximum(share - _KNEE, 0)
        bent = share - over + (1 - _KNEE) * (1 - np.exp(-over / (1 - _KNEE)))
        away *= (1 + (bent / share - 1) * faded)[..., None]
    colourful = np.maximum(np.hypot(away[..., 1], away[..., 2]), 1e-3)
    most = float(np.percentile(np.hypot(*(inside - skin)[:, 1:].T), _VIVID))
    away[..., 1:] *= (1 + (np.minimum(1, most / colourful) - 1) * faded)[..., None]
    return np.asarray(skin + away, np.float32)


def to_lab(image: Image) -> NDArray[np.float32]:
    """(H, W, 3) float32 CIE Lab, lightness in [0, 100], of a picture (H, W, 3) RGB uint8."""
    return np.asarray(cv2.cvtColor(image.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB), np.float32)


def from_lab(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W, 3) float32 RGB, about [0, 255], neither clipped nor rounded, of CIE Lab as `to_lab` gives it."""
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.float32) * np.float32(255)


def moments(values: NDArray[np.float32], weight: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """(2, C) float32: mean and standard deviation of colours (N, C), each of which counts by its weight (N,)."""
    if weight is None:
        return np.stack([values.mean(axis=0), values.std(axis=0)])
    mean = np.average(values, axis=0, weights=weight)
    return np.stack([mean, np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weight))]).astype(np.float32)


def with_moments(
    values: NDArray[np.float32],
    own: NDArray[np.float32],
    wanted: NDArray[np.float32],
    gain: tuple[float, float] = (0.0, np.inf),
) -> NDArray[np.float32]:
    """Colours (..., C) moved from their own mean and deviation to others, each (2, C) as `moments` gives them.

    gain: bounds of what deviations are multiplied with. Source: Reinhard et al. 2001 (equations 10 and 11)."""
    return np.asarray((values - own[0]) * _gain(own, wanted, gain) + wanted[0], np.float32)


def _gain(own: NDArray[np.float32], wanted: NDArray[np.float32], bounds: tuple[float, float]) -> NDArray[np.float32]:
    return np.clip(wanted[1] / np.maximum(own[1], 1e-3), *bounds)


def _trimmed(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Without the darkest and the lightest eighth: cast shadow, beard, shine."""
    low, high = np.percentile(values[:, 0], (12.5, 87.5))
    return values[(values[:, 0] >= low) & (values[:, 0] <= high)]


def _reinhard(
    ours: NDArray[np.float32], theirs: NDArray[np.float32]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Mean and deviation a channel, as (3, 3) transport, our mean, their mean."""
    own, wanted = moments(ours), moments(theirs)
    return np.diag(_gain(own, wanted, _GAIN)), own[0], wanted[0]


def _monge_kantorovich(
    ours: NDArray[np.float32], theirs: NDArray[np.float32]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The linear map that turns one colour covariance into the other with least movement (equation 6 and section 3): T
    = A^(-1/2) (A^(1/2) B A^(1/2))^(1/2) A^(-1/2). The covariances are shrunk, so that lips and brows, which are far
    from the skin they are measured on, do not change their hue."""
    shrink = np.diag(np.square(_SHRINK))
    a, b = np.cov(ours.T) + shrink, np.cov(theirs.T) + shrink
    root, inverse = _power(a, 0.5), _power(a, -0.5)
    transport = inverse @ _power(root @ b @ root, 0.5) @ inverse
    values, vectors = np.linalg.eigh(transport)
    return (vectors * np.clip(values, *_GAIN)) @ vectors.T, ours.mean(axis=0), theirs.mean(axis=0)


def _power(matrix: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.maximum(values, 1e-6) ** exponent) @ vectors.T


def _take_light(result: NDArray[np.float32], small: _Analysis) -> NDArray[np.float32]:
    """Screened Poisson blending in the logarithm: multiplies with the smoothest field that makes the new face meet the
    picture's own skin at the edge and leans to its light inside. Edge pixels that are not skin (hair, background) put
    no condition."""
    size = (small.target.shape[1], small.target.shape[0])
    ours = np.asarray(cv2.resize(result, size, interpolation=cv2.INTER_AREA), np.float32)
    compared = small.skin if small.stage is None else small.stage
    difference = (_log(small.target) - _log(ours)) * compared[..., None]
    grid = (_SOLVE, _SOLVE)
    weight = np.asarray(cv2.resize(compared, grid, interpolation=cv2.INTER_AREA), np.float32)
    data = cv2.resize(difference, grid, interpolation=cv2.INTER_AREA) / np.maximum(weight, 1e-3)[..., None]
    area = cv2.resize(small.inside, grid, interpolation=cv2.INTER_AREA) > 0.5
    core = cv2.erode(area.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=2) > 0
    screen, darker = _LIGHT if small.stage is None else _STAGE_LIGHT
    pull = weight * np.where(core, np.float32(screen), np.float32(1))
    field = _screened_poisson(np.clip(data, -darker, _LIGHT[1]).astype(np.float32), pull.astype(np.float32))
    gain = cv2.resize(np.exp(field), result.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray((result + np.float32(_LOG_OFFSET)) * gain - np.float32(_LOG_OFFSET), np.float32)


def _log(values: NDArray[np.float32] | Image) -> NDArray[np.float32]:
    return np.log(np.clip(values, 0, 255) + _LOG_OFFSET).astype(np.float32)


def _screened_poisson(data: NDArray[np.float32], pull: NDArray[np.float32]) -> NDArray[np.float32]:
    """Minimises sum |grad f|^2 + pull (f - data)^2 by conjugate gradients; Neumann at the border. data: (N, N, C)."""

    def apply(field: NDArray[np.float32]) -> NDArray[np.float32]:
        laplace = cv2.Laplacian(field, cv2.CV_32F, ksize=1, borderType=cv2.BORDER_REPLICATE)
        return np.asarray(pull[..., None] * field - laplace, np.float32)

    total = float(pull.sum())
    start = (data * pull[..., None]).sum(axis=(0, 1)) / max(total, 1e-6)
    field = np.broadcast_to(start, data.shape).astype(np.float32).copy()
    residual = pull[..., None] * data - apply(field)
    direction = residual.copy()
    energy = float((residual**2).sum())
    goal = max(energy * 1e-5, 1e-8)
    for _ in range(150):
        if energy < goal:
            break
        image = apply(direction)
        step = energy / max(float((direction * image).sum()), 1e-12)
        field += step * direction
        residual -= step * image
        fresh = float((residual**2).sum())
        direction = residual + (fresh / energy) * direction
        energy = fresh
    return field.astype(np.float32)


def _match_texture(
    result: NDArray[np.float32], target: NDArray[np.float32], skin: Mask, grain: float
) -> NDArray[np.float32]:
    """Softens a face that is sharper than the picture it goes into, then lays the picture's own grain over its skin."""
    size = result.shape[0]
    sigma = max(0.8, size / 320)
    ours, theirs = _fine(result, sigma), _fine(target, sigma)
    chosen = skin > 0.5
    if chosen.sum() < 50:
        return result
    ratio = float(theirs[chosen].std() / max(float(ours[chosen].std()), 1e-3))
    if ratio < 0.8:
        result = np.asarray(result - ours * (0.8 - ratio), np.float32)
    soft = cv2.GaussianBlur(skin, (0, 0), sigma * 2)
    return (result + theirs * (grain * soft)[..., None]).astype(np.float32)


def _fine(values: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    return (values - cv2.GaussianBlur(values, (0, 0), sigma)).astype(np.float32)


def _return_to_frame(face: Face, result: NDArray[np.float32], alpha: Mask) -> Image:
    """Inverse of the crop, on the touched rectangle only; pixels with alpha 0 keep their exact values."""
    frame = face.frame.copy()
    height, width = frame.shape[:2]
    inverse = np.asarray(cv2.invertAffineTransform(face.affine), np.float32)
    side = result.shape[0]
    corners = move(np.array([[0, 0], [side, 0], [0, side], [side, side]], np.float32), inverse)
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    right, bottom = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, (width, height))
    if right <= left or bottom <= top:
        return frame
    local = inverse.copy()
    local[:, 2] -= (left, top)
    scale = float(np.sqrt(abs(np.linalg.det(face.affine[:, :2]))))
    layers = np.dstack([result, alpha]).astype(np.float32)
    if scale > 1.6:
        layers = cv2.GaussianBlur(layers, (0, 0), scale * 0.4)
    moved = cv2.warpAffine(
        layers, local, (int(right - left), int(bottom - top)), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    region = frame[top:bottom, left:right].astype(np.float32)
    share = moved[..., 3:]
    mixed = region + (moved[..., :3] - region) * share
    frame[top:bottom, left:right] = np.clip(np.round(mixed), 0, 255).astype(np.uint8)
    return frame
