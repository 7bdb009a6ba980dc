# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The table, and what is said around it."""

COLUMNS = ("network", "batch", "threads", "contender", "median ms", "q1 to q3 ms", "ms/image", "CPU ms", "times faster")
_LEFT = (0, 3)


def markdown(lines, left=()):
    """A table that is readable as it is; the first line is its head, columns of `left` are text."""
    cells = [[str(cell) for cell in line] for line in lines]
    widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]
    text = ["| " + " | ".join(cell.ljust(width) if i in left else cell.rjust(width)
                              for i, (cell, width) in enumerate(zip(line, widths))) + " |" for line in cells]
    rule = "|" + "|".join("-" * (width + 2) if i in left else "-" * (width + 1) + ":"
                          for i, width in enumerate(widths)) + "|"
    return "\n".join([text[0], rule, *text[1:]])


def table(rows):
    def cells(row):
        ratio = row["times_faster"]
        return (row["network"], row["batch"], row["threads"], row["title"], f"{row['median_ms']:.2f}",
                f"{row['q1_ms']:.2f} to {row['q3_ms']:.2f}", f"{row['median_ms'] / row['batch']:.2f}",
                f"{row['cpu_ms']:.2f}", "" if ratio is None else f"{ratio:.2f}" + (" (int8)" if row["reference"] else ""))
    return markdown([COLUMNS, *map(cells, rows)], _LEFT)


def machine_line(facts, load_before, load_after, rows):
    family = f" (family {facts['cpu_family']}, model {facts['cpu_model']})" if facts["cpu_family"] else ""
    cores = "1 core" if facts["cores"] == 1 else f"{facts['cores']} cores"
    line = (f"{facts['cpu']}{family}, {cores}, {'with' if facts['vnni'] else 'without'} VNNI, load "
            f"{load_before:.1f} before and {load_after:.1f} after")
    # A thread that computes alone on its core has as much CPU time as time.
    if any(row["median_ms"] > 1.1 * row["cpu_ms"] for row in rows if row["threads"] == 1):
        line += "; other programs took the cores, so times are too long and CPU times are the better guide"
    return line


def peak_line(peak):
    return (f"int8 peak of a core: {peak['macs_per_cycle']:.1f} multiply-accumulates a cycle ({peak['instruction']}), "
            f"{peak['ghz']:.2f} GHz, both measured")


def scaling(rows):
    """How many times faster 2 threads are than 1, for everybody that ran with both."""
    result = []
    for row in rows:
        if row.get("speedup") is not None:
            result.append((row["network"], row["batch"], row["title"], row["threads"], f"{row['speedup']:.2f}"))
    return result


def text(result):
    lines = [machine_line(result["machine"], result["load_before"], result["load_after"], result["rows"])]
    if result.get("peak"):
        lines.append(peak_line(result["peak"]))
    if result.get("start_ms"):
        lines.append(f"n2uq-run starts, reads a model and describes it in {result['start_ms']:.1f} ms")
    lines += [result["date"] + (f", commit {result['commit']}" if result["commit"] else ""), "", table(result["rows"]), ""]
    speedups = scaling(result["rows"])
    if speedups:
        lines += [markdown([("network", "batch", "contender", "threads", "times faster than 1 thread"), *speedups],
                           (0, 2)), ""]
    lines += [f"{title}: {note}" for title, note in result["contenders"].items()] + result["missing"]
    lines.append("Times of one run of the batch, alternating in one process. CPU ms: of all threads together. "
                 "times faster: than the fastest int8 peer with as many images and threads, which is marked.")
    return "\n".join(lines)


def readme(result):
    """The short form of the table: one image, ours beside the fastest int8 peer; and the machine."""
    rows = [row for row in result["rows"] if row["batch"] == 1]
    counts = list(dict.fromkeys(row["threads"] for row in rows))
    peer = {(row["network"], row["threads"]): row for row in rows if row["reference"]}
    lines = [("network", "", *(word for count in counts for word in (
        f"ms, {count} thread{'s' * (count > 1)}", "fastest int8 peer, ms", "times faster")))]
    for network, key in dict.fromkeys((row["network"], row["key"]) for row in rows if row["precision"] == "n2uq"):
        cells, title = [], ""
        for count in counts:
            ours = [row for row in rows if (row["network"], row["key"], row["threads"]) == (network, key, count)]
            other = peer.get((network, count))
            title = ours[0]["title"] if ours else title
            cells += [f"{ours[0]['median_ms']:.2f}" if ours else "",
                      f"{other['title']} {other['median_ms']:.2f}" if other else "",
                      f"{ours[0]['times_faster']:.2f}" if ours and other else ""]
        lines.append((network, title, *cells))
    return machine_line(result["machine"], result["load_before"], result["load_after"], result["rows"]) + "\n\n" + markdown(
        lines, (0, 1, *range(3, len(lines[0]), 3)))


def layers(result):
    """The roofline's tables as text; empty where nothing was profiled."""
    lines = []
    if result.get("profiles"):
        lines += [peak_line(result["peak"]) + "; one image, one thread, of each layer the fastest of a few runs", ""]
    for profile in result.get("profiles", []):
        share = profile["macs_per_cycle"] / result["peak"]["macs_per_cycle"]
        lines += [f"{profile['network']}, {profile['title']}: {profile['ms']:.2f} ms, {profile['macs'] / 1e6:.0f} million "
                  f"multiply-accumulates, {profile['macs_per_cycle']:.1f} a cycle, {share:.2f} times the int8 peak", ""]
        lines += [markdown([("layer", "million MACs", "ms", "share %", "MACs/cycle", "x peak", "strategy"),
                            *((row["name"], f"{row['macs'] / 1e6:.1f}", f"{row['ms']:.3f}", f"{100 * row['share']:.1f}",
                               f"{row['macs_per_cycle']:.1f}" if row["macs"] else "",
                               f"{row['times_peak']:.2f}" if row["macs"] else "", row["strategy"])
                              for row in profile["layers"])], (0, 6)), ""]
    return "\n".join(lines)


# What the project asks for besides the ratios of contenders.FORMS: how much faster ResNet-18 is on two threads, and the
# 3x3 convolutions of stride 1 of each of its stages against the int8 peak, at 2 bits.
WANTED_SPEEDUP = {"resnet18": 1.85}
WANTED_LAYERS = {"resnet18": {"layer1": 2.4, "layer2": 2.6, "layer3": 2.5, "layer4": 2.0}}


def verdicts(result):
    """[(holds, sentence)] of --check: one image, one and two threads, our forms that have a wanted ratio."""
    found = []
    for row in result["rows"]:
        if row.get("wanted") is None or row["batch"] != 1 or row["threads"] > 2:
            continue
        who = f"{row['network']}, {row['title']}, {row['threads']} thread{'s' * (row['threads'] > 1)}"
        if row["times_faster"] is None:
            found.append((False, f"{who}: no int8 peer was timed, so nothing is known"))
        else:
            found.append((row["times_faster"] >= row["wanted"], f"{who}: {row['times_faster']:.2f} times faster than the "
                          f"fastest int8 peer, wanted is {row['wanted']:g}"))
        speedup = WANTED_SPEEDUP.get(row["network"])
        if speedup and row["threads"] == 2 and row["speedup"] is not None:
            found.append((row["speedup"] >= speedup,
                          f"{who}: {row['speedup']:.2f} times faster than 1 thread, wanted is {speedup:g}"))
    for profile in result.get("profiles", []):
        if "2bit" in profile["key"]:
            found += _layer_verdicts(profile, WANTED_LAYERS.get(profile["network"], {}))
    return found or [(False, "none of our forms with a wanted ratio was timed with one image on one or two threads")]


def _layer_verdicts(profile, wanted):
    for stage, least in wanted.items():
        names = {f"{stage}.{block}.conv{i}" for block in (0, 1) for i in (1, 2)}
        if stage != "layer1":
            names.discard(f"{stage}.0.conv1")  # of stride 2
        ratios = sorted(row["times_peak"] for row in profile["layers"] if row["name"] in names)
        if ratios:
            median = ratios[len(ratios) // 2]
            yield (median >= least, f"{profile['network']}, {profile['title']}, {stage}: 3x3 convolutions at {median:.2f} times "
                   f"the int8 peak, wanted is {least:g}")
