"""Let everything happen to the whole trading stack at once, in any order, and find what must never be.

`make soak SECONDS=600 SEED=7` plays episodes one after another and goes on, the next time, where it stopped: episode n of a seed is
always the same, draw by draw. Figures add up over all runs of the seed. `--episode n` plays one again, alone.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

EPISODE = 1000
"""Steps of one episode, each on a fresh account and store."""
TOLD_EVERY_S = 10.0
LAST = 20
REPOSITORY = Path(__file__).parent.parent


@dataclass
class Figures:
    """What was played of a seed so far."""

    seed: int
    episodes: int = 0
    steps: int = 0
    seconds: float = 0
    kinds: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    spent: Counter[str] = field(default_factory=Counter)
    """CPU time in milliseconds, by kind: it is the same on a busy machine."""


@dataclass(frozen=True)
class Episode:
    """One that was played to its end, or to what it found."""

    steps: int
    kinds: Counter[str]
    counts: Counter[str]
    spent: Counter[str]
    digest: str
    """Of everything that was asked of the venue and said of the steps."""
    found: str | None
    last: tuple[str, ...]


def play(seed: str, steps: int, *, folder: Path, stop_at: float | None = None) -> Episode:
    """One episode in an empty folder. ``stop_at``: by the process's own monotonic clock."""
    from tools.soak_sent import Found
    from tools.soak_stage import staged
    from tools.soak_steps import KINDS, begin
    from tools.soak_truth import Truth
    from tools.soak_world import Play

    rng, truth = Random(f"{seed} steps"), Truth()
    names, weights = list(KINDS), [weight for weight, _ in KINDS.values()]
    kinds: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    last: deque[str] = deque(maxlen=LAST)
    digest, found = hashlib.sha256(), None
    with staged(folder.parent / "empty.sqlite", folder, seed, truth) as stage:
        playing = Play(stage=stage, truth=truth, rng=rng)
        begin(playing)
        for number in range(1, steps + 1):
            if stop_at is not None and time.monotonic() > stop_at:
                break
            (name,) = rng.choices(names, weights)
            begun, at, text = time.process_time(), stage.clock.now(), ""
            truth.requests.clear()
            last.append(f"{number:5} {at:%H:%M:%S.%f}  {name:14} did not end")
            try:
                text = KINDS[name][1](playing)
                truth.check_step(stage)
            except Found as finding:
                found = str(finding)
            except Exception as error:
                found = f"nothing raises: {type(error).__name__}: {error}"
                if os.environ.get("SOAK_RAISE"):
                    raise
            kinds[name] += 1
            spent[name] += round((time.process_time() - begun) * 1000)
            if found:
                break
            last[-1] = f"{number:5} {at:%H:%M:%S.%f}  {name:14} {text}"
            digest.update(f"{last[-1]} {truth.requests}".encode())
    return Episode(
        steps=sum(kinds.values()),
        kinds=kinds,
        counts=truth.counts,
        spent=spent,
        digest=digest.hexdigest()[:16],
        found=found,
        last=tuple(last),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--episode", type=int, help="this one alone, to its end; nothing is remembered")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / ".hedge-soak")
    options = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":  # sets are walked in the order of their hashes
        os.execve(  # noqa: S606
            sys.executable,
            [sys.executable, "-m", "tools.soak", *sys.argv[1:]],
            {**os.environ, "PYTHONHASHSEED": "0"},
        )
    if options.episode is not None:
        with scratch() as folder:
            episode = play(f"{options.seed}/{options.episode}", EPISODE, folder=folder / "episode")
        return told(episode, options.seed, options.episode)
    return soak(options.seed, options.seconds, options.folder)


def soak(seed: int, seconds: float, folder: Path) -> int:
    """Episodes until the time is over; the last one is played again by the next run."""
    kept = folder / f"{seed}.json"
    figures = remembered(kept, seed)
    print(f"seed {seed}, after {figures.steps:,} steps in {figures.episodes} episodes", flush=True)
    begun = time.monotonic()
    told_at = begun
    while (now := time.monotonic()) - begun < seconds:
        number = figures.episodes
        with scratch() as place:
            episode = play(f"{seed}/{number}", EPISODE, folder=place / "episode", stop_at=begun + seconds)
        if episode.found:
            return told(episode, seed, number)
        if episode.steps == EPISODE:
            figures.episodes += 1
            figures.steps += episode.steps
            figures.seconds += time.monotonic() - now
            for total, more in (
                (figures.kinds, episode.kinds),
                (figures.counts, episode.counts),
                (figures.spent, episode.spent),
            ):
                total.update(more)
            remember(kept, figures)
        if time.monotonic() - told_at > TOLD_EVERY_S:
            told_at = time.monotonic()
            print(f"{told_at - begun:6.0f} s  {figures.steps:,} steps, episode {number}", flush=True)
    print(table(figures))
    return 0


def told(episode: Episode, seed: int, number: int) -> int:
    """What one episode came to; 1 if it found something."""
    print(f"seed {seed}, episode {number}: {episode.steps} steps, digest {episode.digest}")
    if not episode.found:
        print(
            table(
                Figures(
                    seed,
                    1,
                    episode.steps,
                    sum(episode.spent.values()) / 1000,
                    episode.kinds,
                    episode.counts,
                    episode.spent,
                )
            )
        )
        return 0
    print("\n".join(episode.last))
    print(f"FOUND at step {episode.steps}: {episode.found}")
    print(f"again: .venv/bin/python -m tools.soak --seed {seed} --episode {number}")
    return 1


def table(figures: Figures) -> str:
    lines = [f"{'kind':16} {'steps':>9} {'share':>7} {'ms each':>8}"]
    for name, count in figures.kinds.most_common():
        lines.append(f"{name:16} {count:9,} {count / figures.steps:7.2%} {figures.spent[name] / count:8.1f}")
    lines += ["", *(f"{name:40} {count:9,}" for name, count in sorted(figures.counts.items()))]
    rate = figures.steps / figures.seconds if figures.seconds else 0
    lines.append(
        f"\n{figures.steps:,} steps of seed {figures.seed} in {figures.episodes} episodes, {rate:.0f} steps/s, nothing found"
    )
    return "\n".join(lines)


def remembered(kept: Path, seed: int) -> Figures:
    if not kept.exists():
        return Figures(seed)
    known = json.loads(kept.read_text())
    for name in ("kinds", "counts", "spent"):
        known[name] = Counter(known[name])
    return Figures(**known)


def remember(kept: Path, figures: Figures) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    fresh = kept.with_suffix(".new")
    fresh.write_text(json.dumps(vars(figures), indent=1))
    fresh.replace(kept)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder in memory, where there is one: what is synced there costs nothing."""
    memory = Path("/dev/shm")  # noqa: S108
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


if __name__ == "__main__":
    sys.exit(main())
