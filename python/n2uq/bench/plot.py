# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Pictures, by matplotlib."""

from ..errors import Error

_OURS, _INT8, _FLOAT = "#1f5fa8", "#c8742c", "#b9b9b9"
_COLOURS = {"n2uq": _OURS, "int8": _INT8, "float32": _FLOAT}


def pyplot():
    try:
        import matplotlib
        matplotlib.use("Agg")
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise Error(f"no picture is drawn: matplotlib cannot be imported ({error}); look into build/log/pip-base.log and "
                    "call tools/bench again") from None
    return plt


def save(figure, path):
    try:
        figure.savefig(path, dpi=120, bbox_inches="tight")
    except OSError as error:
        raise Error(f"{path}: cannot be written ({error.strerror or error}); check the folder") from None
    pyplot().close(figure)


def bench(result, path):
    """A panel for each network, batch and number of threads: milliseconds an image with quartiles, the fastest on top."""
    plt = pyplot()
    panels = list(dict.fromkeys((row["network"], row["batch"], row["threads"]) for row in result["rows"]))
    columns = len({panel[1:] for panel in panels})
    lines = -(-len(panels) // columns)
    figure, axes = plt.subplots(lines, columns, figsize=(5.2 * columns, 3.4 * lines), squeeze=False)
    for axis in axes.flat[len(panels):]:
        axis.axis("off")
    for axis, (network, batch, threads) in zip(axes.flat, panels):
        rows = [row for row in result["rows"] if (row["network"], row["batch"], row["threads"]) == (network, batch, threads)]
        rows.sort(key=lambda row: -row["median_ms"])
        medians = [row["median_ms"] / batch for row in rows]
        spread = [[(row["median_ms"] - row["q1_ms"]) / batch for row in rows],
                  [(row["q3_ms"] - row["median_ms"]) / batch for row in rows]]
        axis.barh([row["title"] for row in rows], medians, xerr=spread, color=[_COLOURS[row["precision"]] for row in rows],
                  ecolor="black", capsize=2, height=0.7)
        for y, (row, median) in enumerate(zip(rows, medians)):
            axis.text(row["q3_ms"] / batch, y, f"  {median:.2f}", va="center", fontsize=7)
        axis.set_title(f"{network}, batch {batch}, {threads} thread{'s' * (threads > 1)}", fontsize=9)
        axis.set_xlabel("ms an image", fontsize=8)
        axis.margins(x=0.15)
        axis.tick_params(labelsize=7)
    figure.suptitle(f"{result['machine']['cpu']}, {result['date']}", fontsize=9)
    figure.tight_layout()
    save(figure, path)


def roofline(result, path):
    """A panel for each profiled network: layers in order, multiply-accumulates a cycle against the int8 peak."""
    profiles = result.get("profiles")
    if not profiles:
        return
    plt = pyplot()
    figure, axes = plt.subplots(len(profiles), 1, figsize=(11, 2.6 * len(profiles)), squeeze=False)
    peak = result["peak"]["macs_per_cycle"]
    for axis, profile in zip(axes.flat, profiles):
        rows = [row for row in profile["layers"] if row["macs"]]
        families = list(dict.fromkeys(row["family"] for row in rows))
        at = 0.0
        for row in rows:  # as wide as the time it takes
            axis.bar(at, row["macs_per_cycle"], row["ms"], align="edge", edgecolor="white", linewidth=0.5,
                     color=f"C{families.index(row['family']) % 10}")
            at += row["ms"]
        for i, family in enumerate(families):
            axis.bar(0, 0, 0, color=f"C{i % 10}", label=family)
        axis.axhline(peak, color="black", linestyle="--", linewidth=1)
        axis.set_ylabel("MACs/cycle", fontsize=8)
        axis.set_xlabel("ms, layer after layer", fontsize=8)
        axis.set_title(f"{profile['network']}, {profile['title']}; dashed: int8 peak", fontsize=9)
        axis.legend(fontsize=7)
        axis.tick_params(labelsize=7)
    figure.tight_layout()
    save(figure, path)


def curves(panels, path, ylabel):
    """One panel for each (title, xlabel, {label: [(x, y)]})."""
    plt = pyplot()
    figure, axes = plt.subplots(1, len(panels), figsize=(5.5 * len(panels), 4), squeeze=False)
    for axis, (title, xlabel, lines) in zip(axes.flat, panels):
        for label, points in lines.items():
            axis.plot(*zip(*points), marker=".", label=label)
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set_title(title, fontsize=9)
        axis.set_xlabel(xlabel, fontsize=8)
        axis.set_ylabel(ylabel, fontsize=8)
        axis.grid(True, which="both", linewidth=0.3)
        axis.legend(fontsize=7)
    figure.tight_layout()
    save(figure, path)
