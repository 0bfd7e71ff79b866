"""From scenes to a moving picture: what only several moments together show, and the file."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from mlmonster_env.data import Bestiary
from mlmonster_env.envs.render import draw, frame_around
from mlmonster_env.sim.recording import Recording
from mlmonster_env.sim.scene import Scene, SceneHit, SceneUnit

HIT_SHOWN_MS = 700
LONGEST_STEP = 1.5  # cells; farther than that between two scenes is a teleport, and is not smoothed
LAST_SCENE_MS = 2500
MOST_FPS = 100  # the delay between a GIF's pictures is told in hundredths of a second
WIDTH, FILM_WIDTH, LEAST_SCALE = 480, 960, 8  # pixels of a picture, and of a cell where that would be too little


def joined(scenes: Sequence[Scene]) -> list[Scene]:
    """The same scenes with steps halved and with the hits, seen from changes of hp, that still hang in the air."""
    told: list[Scene] = []
    hits: tuple[SceneHit, ...] = ()
    earlier: dict[int, SceneUnit] = {}
    clock_ms = scenes[0].clock_ms
    for scene in scenes:
        aged = (replace(hit, age_ms=hit.age_ms + scene.clock_ms - clock_ms) for hit in hits)
        hits = tuple(hit for hit in aged if hit.age_ms < HIT_SHOWN_MS)
        same = [(before, now) for now in scene.units if (before := earlier.get(now.place)) and before.name == now.name]
        hits += tuple(SceneHit(now.x, now.y, before.hp - now.hp) for before, now in same if now.hp != before.hp)
        midway = {now.place: between(before, now) for before, now in same}
        units = tuple(midway.get(unit.place, unit) for unit in scene.units)
        told.append(replace(scene, units=units, hits=(*scene.hits, *hits)))
        earlier = {unit.place: unit for unit in scene.units}
        clock_ms = scene.clock_ms
    return told


def between(before: SceneUnit, now: SceneUnit) -> SceneUnit:
    """`now`, drawn half a step back if it has just walked."""
    if now.dead or max(abs(now.x - before.x), abs(now.y - before.y)) > LONGEST_STEP:
        return now
    return replace(now, x=(before.x + now.x) / 2, y=(before.y + now.y) / 2)


def write_gif(path: str | Path, scenes: Sequence[Scene], fps: int = 10) -> None:
    """Write `scenes` as an animated GIF of `fps` pictures a second; the last one stays for a while."""
    if not scenes:
        raise ValueError("a picture needs at least one scene; got none")
    frame = frame_around(scenes)
    scale = max(WIDTH // frame.width, LEAST_SCALE)
    pictures = [Image.fromarray(draw(scene, scale, frame)) for scene in joined(scenes)]
    # One palette for all: a palette of each picture's own would make the ground flicker.
    sample = np.concatenate([np.asarray(picture) for picture in pictures[:: max(1, len(pictures) // 12)]])
    palette = Image.fromarray(sample).quantize(128)
    coloured = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    shown_ms = [round(1000 / fps)] * (len(coloured) - 1) + [LAST_SCENE_MS]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    coloured[0].save(path, save_all=True, append_images=coloured[1:], duration=shown_ms, loop=0, optimize=False)


def write_mp4(path: str | Path, scenes: Sequence[Scene], fps: int = 10) -> None:
    """Write `scenes` as an MP4 film of `fps` pictures a second; the last one stays for a while."""
    import imageio_ffmpeg

    if not scenes:
        raise ValueError("a film needs at least one scene; got none")
    frame = frame_around(scenes)
    scale = max(FILM_WIDTH // frame.width, LEAST_SCALE)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    writer = None
    told = joined(scenes)
    for scene in [*told, *[told[-1]] * round(fps * LAST_SCENE_MS / 1000)]:
        picture = draw(scene, scale, frame)
        picture = picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]  # the codec halves colours
        if writer is None:
            size = (picture.shape[1], picture.shape[0])
            writer = imageio_ffmpeg.write_frames(str(path), size, fps=fps, macro_block_size=2)
            writer.send(None)
        writer.send(np.ascontiguousarray(picture))
    assert writer is not None
    writer.close()


def film(recording: Recording, path: str | Path, bestiary: Bestiary | None = None, fps: int = 10) -> None:
    """Play a recording and write it as a film, a .gif or an .mp4: a picture for every 200 ms of the match.

    At 10 pictures a second it goes at twice the pace of the world.
    """
    if not isinstance(recording, Recording):
        raise ValueError(f"recording is {recording!r}, expected a Recording, such as Recording.load(path)")
    if not isinstance(fps, int | float | np.number) or not 1 <= fps <= MOST_FPS:
        raise ValueError(f"fps is {fps!r}, expected at least 1 picture a second, at most {MOST_FPS}")
    if bestiary is not None and not isinstance(bestiary, Bestiary):
        raise ValueError(f"bestiary is {bestiary!r}, expected a Bestiary, such as Bestiary.load(path)")
    writers = {".gif": write_gif, ".mp4": write_mp4}
    ending = Path(path).suffix.lower()
    if ending not in writers:
        raise ValueError(f"path is {str(path)!r}, expected a file that ends in .gif or .mp4")
    if ending == ".mp4":
        _check_video(path)
    writers[ending](path, list(recording.scenes(bestiary)), fps)


def _check_video(path: str | Path) -> None:
    """ValueError where what writes an .mp4 is not installed, before anything is played."""
    try:
        import imageio_ffmpeg  # noqa: F401
    except ImportError as error:
        raise ValueError(
            f"path is {str(path)!r}, and imageio-ffmpeg is not installed; expected a .gif, or the `video` extra"
        ) from error
