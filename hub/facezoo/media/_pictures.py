"""Pillow's side of decoding. Runs in the confined process only (see `_worker`).

Whatever the file holds (16 bit, CMYK, palette, alpha, an embedded profile, a turned camera), what leaves is
contiguous RGB uint8 in sRGB, upright.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pillow_heif
from PIL import Image, ImageCms, UnidentifiedImageError

from facezoo.errors import TooLarge, Unreadable, UnsupportedFormat
from facezoo.media._hdr import encoded, is_plain, to_srgb
from facezoo.media._sandbox import Header
from facezoo.media.limits import LIMITS

__all__ = ["decode_animation", "decode_photo"]

Image.MAX_IMAGE_PIXELS = LIMITS.pixels_max
warnings.simplefilter("error", Image.DecompressionBombWarning)
pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)

_FORMATS: Final = {"jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "avif": "AVIF", "gif": "GIF", "heic": "HEIF"}
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SRGB: Final = ImageCms.createProfile("sRGB")
_PROFILE_BYTES: Final = 4 * 1024**2
_PROFILE_MODES: Final = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_EIGHT_OF_16: Final = np.rint(np.arange(65536) / 257).astype(np.uint8)  # 65535 -> 255: a plain shift darkens
_SRGB_GAMMA: Final = 1 / 2.2
_FASTEST: Final = 0.01
_USUAL: Final = 0.1


def decode_photo(data: bytes, form: str) -> tuple[Header, bytes]:
    """The first picture of `data` as RGB bytes, upright, reduced to `LIMITS.work_side`.

    The header says width, height, count (frames claimed), seconds (claimed; 0 when unknown) and plays (0 for ever).
    Raises Unreadable, TooLarge."""
    picture = _open(data, form)
    picture = _load(picture)
    count, seconds = _claims(data, form, picture)
    plays = _plays(picture, form)
    photo = _upright(_standard(_as_rgb(_reduced(picture)), data, form), picture)
    said = {"count": count, "seconds": seconds, "plays": plays}
    return {"width": photo.width, "height": photo.height, **said}, photo.tobytes()


def decode_animation(data: bytes, form: str) -> Iterator[tuple[Header, bytes]]:
    """Each frame of `data` as (header with its time in seconds, RGB bytes), one at a time, limits counted on the way.

    Raises Unreadable, TooLarge."""
    picture = _open(data, form)
    if max(picture.size) > LIMITS.moving_side_max:
        side = LIMITS.moving_side_max
        raise TooLarge(
            f"This animation is {picture.width} x {picture.height} pixels; the limit is {side} on a side.",
            f"Scale it down to {side} pixels.",
        )
    time = 0.0
    for number in range(LIMITS.frames_max + 1):
        try:
            picture.seek(number)
        except EOFError:
            return
        if number >= LIMITS.frames_max or time > LIMITS.seconds_max:
            raise TooLarge(
                f"This animation is longer than {LIMITS.seconds_max:.0f} s or {LIMITS.frames_max} frames.",
                "Cut it shorter.",
            )
        shown = _load(picture)
        frame = _upright(_standard(_as_rgb(shown), data, form), shown)
        yield {"width": frame.width, "height": frame.height, "time": time}, frame.tobytes()
        time += _shown_for(float(picture.info.get("duration") or 0) / 1000)


def _open(data: bytes, form: str) -> Image.Image:
    """Read the header and refuse what is too big before any pixel is decoded."""
    if form not in _FORMATS:
        raise UnsupportedFormat(f"facezoo does not open {form} pictures.")
    try:
        picture = Image.open(io.BytesIO(data), formats=(_FORMATS[form],))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise _too_many_pixels() from None
    except UnidentifiedImageError:
        raise Unreadable("This file is damaged or cut off.", "Save or download it again.") from None
    _check_size(*picture.size)
    return picture


def _check_size(width: int, height: int) -> None:
    """Raises TooLarge outside the limits of a picture."""
    short, long = sorted((width, height))
    size = f"This picture is {width} x {height} pixels"
    if short < LIMITS.side_min:
        raise TooLarge(f"{size}, too small to work with.", f"Both sides need at least {LIMITS.side_min} pixels.")
    if long > LIMITS.side_max or width * height > LIMITS.pixels_max:
        raise _too_many_pixels(size)
    if long > LIMITS.aspect_max * short:
        raise TooLarge(
            f"{size}, too long and narrow.", f"Crop it: one side may be {LIMITS.aspect_max:.0f} times the other."
        )


def _too_many_pixels(size: str = "This picture is very large") -> TooLarge:
    most = f"{LIMITS.side_max} pixels on a side and {LIMITS.pixels_max // 1_000_000} megapixels"
    return TooLarge(f"{size}; the limit is {most}.", "Scale it down and try again.")


def _load(picture: Image.Image) -> Image.Image:
    """Decode the pixels; what Pillow says of broken files becomes what a person can act on."""
    try:
        picture.load()
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise _too_many_pixels() from None
    except (EOFError, struct.error):
        raise _cut_off() from None
    except (OSError, SyntaxError, ValueError) as error:
        if any(word in str(error).lower() for word in ("truncat", "end of file", "not enough", "eof")):
            raise _cut_off() from None
        raise Unreadable("This picture is damaged.", "Save or download it again.") from None
    return picture


def _cut_off() -> Unreadable:
    return Unreadable("This file is cut off.", "Save or download it again.")


def _reduced(picture: Image.Image) -> Image.Image:
    """At most `work_side` pixels on the long side, by area averaging, before anything else: it saves memory."""
    long = max(picture.size)
    if long <= LIMITS.work_side:
        return picture
    width, height = (max(1, round(side * LIMITS.work_side / long)) for side in picture.size)
    info = picture.info
    reduced = _true_color(picture).resize((width, height), Image.Resampling.BOX)
    reduced.info = info
    reduced.info.pop("transparency", None)
    return reduced


def _true_color(picture: Image.Image) -> Image.Image:
    """One of L, LA, RGB, RGBA, CMYK, with as much colour as the file has."""
    mode = picture.mode
    if mode.startswith("I"):  # 16-bit grey, alone or widened to 32 bits
        grey = np.asarray(picture)
        if mode == "I" and grey.max(initial=0) <= 255:
            return Image.fromarray(grey.clip(0).astype(np.uint8))
        return Image.fromarray(_EIGHT_OF_16[grey.clip(0, 65535)])
    if "transparency" in picture.info and mode in ("1", "L", "P", "RGB"):
        return picture.convert("RGBA")
    if mode in ("L", "LA", "RGB", "RGBA", "CMYK"):
        return picture
    if mode == "1":
        return picture.convert("L")
    return picture.convert("RGBA" if mode in ("PA", "La", "RGBa") else "RGB")


def _as_rgb(picture: Image.Image) -> Image.Image:
    """RGB in sRGB; see-through parts over white."""
    profile = picture.info.get("icc_profile")
    picture = _true_color(picture)
    alpha = picture.getchannel("A") if "A" in picture.getbands() else None
    if alpha is not None:
        picture = picture.convert("RGB" if picture.mode == "RGBA" else "L")
    color = _to_srgb(picture, profile) if isinstance(profile, bytes) else picture
    if color.mode != "RGB":
        color = color.convert("RGB")
    if alpha is None or alpha.getextrema() == (255, 255):
        return color
    white = Image.new("RGB", color.size, (255, 255, 255))
    white.paste(color, mask=alpha)
    return white


def _to_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """Through the embedded profile to sRGB. A profile that is broken, or of another colour model, is ignored."""
    if len(profile) > _PROFILE_BYTES:
        return picture
    try:
        embedded: Any = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(embedded):
            return picture
        if _PROFILE_MODES.get(embedded.profile.xcolor_space.strip()) != picture.mode:
            return picture
        converted = ImageCms.profileToProfile(
            picture,
            embedded,
            _SRGB,
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return picture
    return picture if converted is None else converted


def _standard(picture: Image.Image, data: bytes, form: str) -> Image.Image:
    """HDR, wide gamut and gamma that an AVIF, HEIC or PNG declares by numbers, without a profile, to sRGB."""
    if "icc_profile" in picture.info:
        return picture
    if form in ("avif", "heic") and (at := data.find(b"colrnclx", 0, _PROFILE_BYTES)) >= 0:
        primaries, transfer = struct.unpack_from(">HH", data, at + 8)
    elif form == "png" and (at := data.find(b"\0\0\0\4cICP", 0, _PROFILE_BYTES)) >= 0:  # PNG 3, section 11.3.2.6
        primaries, transfer = data[at + 8], data[at + 9]
    elif form == "png" and (gamma := _gamma(data)):
        return picture.point([round(255 * each) for each in encoded((np.arange(256) / 255) ** (1 / gamma))] * 3)
    else:
        return picture
    if is_plain(primaries, transfer):
        return picture
    return Image.fromarray(to_srgb(np.asarray(picture), primaries, transfer))


def _gamma(data: bytes) -> float:
    """The exponent a PNG was encoded with (section 11.3.2.2), when it is not about sRGB's; 0 when nothing says so."""
    at = data.find(b"\0\0\0\4gAMA", 0, _PROFILE_BYTES)
    if at < 0 or any(data.find(better, 0, _PROFILE_BYTES) >= 0 for better in (b"\0\0\0\1sRGB", b"iCCP")):
        return 0.0
    gamma = int.from_bytes(data[at + 8 : at + 12], "big") / 100_000
    return gamma if 0.1 <= gamma <= 2 and abs(gamma - _SRGB_GAMMA) > 0.03 else 0.0


def _upright(picture: Image.Image, source: Image.Image) -> Image.Image:
    """Turn the picture as the camera held it. An orientation that EXIF does not define is ignored."""
    try:
        turn = _TURNS.get(source.getexif().get(0x0112, 1))
    except Exception:  # broken EXIF must not cost the user a good picture
        return picture
    return picture if turn is None else picture.transpose(turn)


def _claims(data: bytes, form: str, picture: Image.Image) -> tuple[int, float]:
    """Frames and seconds that the file claims, without decoding further ones."""
    if form == "gif":
        return _gif_claims(data)
    if form == "webp":
        return _webp_claims(data)
    if form == "avif":
        count = int(getattr(picture, "n_frames", 1))
        return count, count * _shown_for(float(picture.info.get("duration") or 0) / 1000)
    return 1, 0.0


def _plays(picture: Image.Image, form: str) -> int:
    """How often an animation is shown, 0 for ever. A GIF counts repetitions, and is shown once when it is silent."""
    said: Any = picture.info.get("loop")
    if form == "gif":
        return 1 if said is None else said and said + 1
    return said if form == "webp" and isinstance(said, int) else 0


def _shown_for(seconds: float) -> float:
    """Browsers show frames that ask for 10 ms or less for 100 ms; so do we."""
    return seconds if seconds > _FASTEST else _USUAL


def _gif_claims(data: bytes) -> tuple[int, float]:
    """Walk the blocks of a GIF (GIF89a specification, section 12 ff.) up to the frame limit."""
    count, seconds, delay = 0, 0.0, 0.0
    at = 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    try:
        while count <= LIMITS.frames_max:
            kind = data[at]
            if kind == 0x21:  # extension
                if data[at + 1] == 0xF9:
                    delay = int.from_bytes(data[at + 4 : at + 6], "little") / 100
                at += 2
            elif kind == 0x2C:  # image
                count, seconds, delay = count + 1, seconds + _shown_for(delay), 0.0
                packed = data[at + 9]
                at += 11 + (3 << ((packed & 7) + 1) if packed & 0x80 else 0)
            else:
                break
            while data[at]:
                at += data[at] + 1
            at += 1
    except IndexError:
        pass  # the tail is missing: the count so far is the claim
    return max(count, 1), seconds


def _webp_claims(data: bytes) -> tuple[int, float]:
    """Count the ANMF chunks of a WebP (RFC 9649, section 2.7.1.1) and add up their durations."""
    count, seconds, at = 0, 0.0, 12
    while at + 8 <= len(data) and count <= LIMITS.frames_max:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"ANMF":
            count += 1
            seconds += _shown_for(int.from_bytes(data[at + 20 : at + 23], "little") / 1000)
        at += 8 + size + (size & 1)
    return max(count, 1), seconds
