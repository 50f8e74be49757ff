"""Draws what `peers growth` measured: `growth.py growth.json growth.png`."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import matplotlib

matplotlib.use("agg")

from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator  # noqa: E402
from PIL import Image  # noqa: E402

Point = dict[str, object]

# Name, label, colour, marker.
SERVERS = [
    ("raw_tokio", "raw bytes", "#8a8f98", "o"),
    ("tidewire_tokio", "tidewire", "#0b6fb8", "s"),
]
# Where an amount of 0 stands on a logarithmic axis.
NOTHING = 0.25
GREY = "#8a8f98"


def bytes_text(amount: float, _: object = None) -> str:
    """Writes a number of bytes in the largest unit that fits."""
    if amount == NOTHING:
        return "0"
    for unit, size in [("MiB", 1 << 20), ("KiB", 1 << 10)]:
        if amount >= size:
            return f"{amount / size:g} {unit}"
    return f"{amount:g} B"


def count_text(amount: float, _: object = None) -> str:
    """Writes a count with separators."""
    return f"{amount:,.0f}" if amount >= 1 else f"{amount:g}"


class Panel:
    """One pair of axes, and the points that belong there."""

    def __init__(self, axes: Axes, points: list[Point], curve: str, amount: str) -> None:
        self.axes = axes
        self.points = [point for point in points if point["curve"] == curve]
        self.amount = amount

    def draw(self, title: str, xlabel: str, ylabel: str, value: Callable[[Point], float | None]) -> None:
        """Draws a line for each server; what has no place on a logarithmic axis is left out."""
        for server, label, colour, marker in SERVERS:
            points = [point for point in self.points if point["server"] == server]
            pairs = [(float(point[self.amount]) or NOTHING, value(point)) for point in points]
            pairs = [(x, y) for x, y in pairs if y is not None and y > 0]
            xs, ys = zip(*pairs, strict=True)
            self.axes.plot(xs, ys, color=colour, marker=marker, markersize=4, linewidth=1.6, label=label)
        self.axes.set_xscale("log")
        self.axes.set_yscale("log")
        self.axes.set_title(title, fontsize=11, loc="left")
        self.axes.set_xlabel(xlabel)
        self.axes.set_ylabel(ylabel)
        self.axes.grid(which="major", color="#e4e6ea", linewidth=0.8)
        self.axes.xaxis.set_minor_locator(NullLocator())
        self.axes.xaxis.set_major_formatter(FuncFormatter(count_text))
        self.axes.yaxis.set_major_formatter(FuncFormatter(count_text))
        self.axes.yaxis.set_minor_locator(NullLocator())
        self.axes.spines[["top", "right"]].set_visible(False)

    def show_decades(self) -> None:
        """Shows whole decades and at least two, so that a flat line looks flat."""
        low, high = (math.log10(limit) for limit in self.axes.get_ylim())
        bottom = math.floor(low)
        self.axes.set_ylim(10.0**bottom, 10.0 ** max(math.ceil(high), bottom + 2))

    def draw_proportional(self, through: float) -> None:
        """Draws what is proportional to the cost of tidewire at this amount."""
        line = next(line for line in self.axes.get_lines() if line.get_label() == "tidewire")
        xs, ys = line.get_xdata(), line.get_ydata()
        each = ys[list(xs).index(through)] / through
        low = self.axes.get_ylim()[0]
        ends = [low / each, xs[-1]]
        self.axes.plot(
            ends,
            [each * x for x in ends],
            color="#c0392b",
            linestyle=":",
            linewidth=1.3,
            zorder=1,
            label="proportional",
        )
        self.axes.set_ylim(bottom=low)

    def show_bytes(self) -> None:
        """Marks sizes in powers of two, from nothing to 64 MiB."""
        sizes = [NOTHING, *(4 << power for power in range(0, 28, 4))]
        self.axes.xaxis.set_major_locator(FixedLocator(sizes))
        self.axes.xaxis.set_major_formatter(FuncFormatter(bytes_text))
        self.axes.tick_params(axis="x", labelsize=8)


def cost(point: Point) -> float:
    """Gives the processor time of a message."""
    return point["cpu_us_per_message"]


def draw_connections(row: list[Axes], points: list[Point]) -> None:
    """Draws what stays the same, however many connections there are."""
    for axes, figure, ylabel, key in [
        (row[0], "rate", "messages per second, all together", "messages_per_second"),
        (row[1], "processor time", "µs of server CPU per message", "cpu_us_per_message"),
        (row[2], "memory", "resident bytes per connection", "resident_bytes_per_connection"),
    ]:
        panel = Panel(axes, points, "connections", "connections")
        panel.draw(f"More connections: {figure}", "connections", ylabel, lambda point, key=key: point[key])
        panel.show_decades()


def draw_messages(row: list[Axes], points: list[Point]) -> None:
    """Draws what grows with the size of messages and with their fragments."""
    ylabel = "µs of server CPU per message"
    panel = Panel(row[0], points, "size", "message_bytes")
    panel.draw("Longer messages", "bytes per message, one connection", ylabel, cost)
    panel.show_bytes()
    panel.draw_proportional(4 << 20)
    xlabel = "fragments per message, one connection"
    panel = Panel(row[1], points, "fragments", "fragments")
    panel.draw("More fragments of 16 bytes", xlabel, ylabel, cost)
    panel.draw_proportional(10_000)
    panel = Panel(row[2], points, "fragments", "fragments")
    panel.draw(
        "More fragments: each of them",
        xlabel,
        "ns of server CPU per fragment",
        lambda point: 1000 * cost(point) / point["fragments"],
    )
    panel.show_decades()


def draw(results: dict[str, object], out: Path) -> None:
    """Draws everything into one picture."""
    plt.rcParams.update({"font.size": 9, "axes.edgecolor": GREY, "axes.labelcolor": "#33373d"})
    figure, grid = plt.subplots(2, 3, figsize=(13, 7.4), layout="constrained")
    draw_connections(grid[0], results["points"])
    draw_messages(grid[1], results["points"])
    title = "tidewire: cost as work grows, beside an echo of raw bytes"
    figure.suptitle(title, fontsize=14, x=0.01, ha="left")
    handles, labels = grid[1, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper right", ncols=3, frameon=False, fontsize=10)
    figure.supxlabel(
        f"{results['date']}, {results['cores']} cores: one thread serves, one loads. Messages of 125 bytes "
        "where connections grow. Middle of all rounds; every reply was checked to the byte.",
        fontsize=8.5,
        color="#6b7078",
        x=0.01,
        ha="left",
    )
    with BytesIO() as buffer:
        figure.savefig(buffer, dpi=100)
        # A few colours are enough, and take a third of the room.
        Image.open(buffer).convert("P", palette=Image.Palette.ADAPTIVE, colors=64).save(out, optimize=True)


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
