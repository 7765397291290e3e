"""The table of docs/coverage.md from results of sweep.py: python scripts/coverage/table.py RESULTS.jsonl …"""
import json
import sys

EXPORTERS = ("dynamo", "dynamo-optimized", "torchscript")


def agrees(row):
    """Within 1e-4 of float64 or three times PyTorch's own float32 error; else with other data, or without any kinks."""
    close = lambda r: r["gradient"] is not None and r["gradient"] <= max(1e-4, 3 * r["float32"])
    tried = [row, *(row[k] for k in ("otherData", "smooth") if k in row)]
    return row["stage"] == "done" and not row["missing"] and any(close(r) for r in tried)


def cell(row):
    if row is None:
        return ""
    if row["stage"] in ("build", "export"):
        return "not exported"
    if row["stage"] == "limit":
        return "time or memory"
    if "gradient" not in row:
        return "**" + row.get("error", "failed").splitlines()[0].replace("|", "/")[:90] + "**"
    text = f"{row['gradient']:.0e}"
    if row["gradient"] > 1e-4:
        other = [f"; {word} {row[k]['gradient'] or float('nan'):.0e}" for k, word in (("otherData", "other data"), ("smooth", "SiLU")) if k in row]
        text += f" (float32 {row['float32']:.0e}{''.join(other)})"
    if row["twice"] if "twice" in row else False:
        text += " (a weight is stored twice)"
    if row["compared"] < 0.995:
        text += f" of {100 * row['compared']:.0f} %"
    if row.get("hvp") is not None:
        text += f", Hv {row['hvp']:.0e}"
    if row["missing"] and row["exporter"] == "dynamo":
        text += f", **{len(row['missing'])} tensors missing**"
    if row["stage"] != "done":
        text += ", **Hv: " + row.get("error", "failed").splitlines()[0].replace("|", "/")[:80] + "**"
    return text


def table(head, rows, right=()):
    """Lines of a Markdown table with aligned columns; `right` are those of numbers."""
    cells = [[str(c) for c in row] for row in (head, *rows)]
    widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(head))]
    rule = ["-" * (w - 1) + ":" if i in right else "-" * w for i, w in enumerate(widths)]
    pad = lambda c, i: c.rjust(widths[i]) if i in right else c.ljust(widths[i])
    return ["| " + " | ".join(pad(c, i) for i, c in enumerate(row)) + " |" for row in (cells[0], rule, *cells[1:])]


def counts(rows, suite, exporter):
    """tried, exported, differentiated, gradient agrees, exact products agree; None where nothing was tried."""
    mine = [r for k, r in rows.items() if k[0] == suite and k[3] == exporter]
    exported = [r for r in mine if r["stage"] not in ("build", "export", "limit")]
    found = [r for r in exported if "gradient" in r]
    ok = [r for r in found if agrees(r) or exporter != "dynamo" and agrees({**r, "missing": []})]
    products = [r for r in found if r.get("hvp") is not None]
    return (len(mine), len(exported), len(found), len(ok), f"{sum(r['hvp'] < 1e-3 for r in products)} of {len(products)}") if mine else None


def main(files):
    rows = {}
    for file in files:
        for line in open(file):
            row = json.loads(line)
            rows[row["suite"], row["family"], row["name"], row["exporter"]] = row
    for suite in ("torchvision", "timm", "transformers"):
        print(f"\n### {suite}\n")
        numbers = [(e, *c) for e in EXPORTERS if (c := counts(rows, suite, e))]
        head = ("exporter", "tried", "exported", "differentiated", "gradient agrees", "exact Hv agrees")
        print("\n".join(table(head, numbers, range(1, 6))), end="\n\n")
        names = sorted({k[1:3] for k in rows if k[0] == suite})
        cells = [(family, name, *(cell(rows.get((suite, family, name, e))) for e in EXPORTERS)) for family, name in names]
        print("\n".join(table(("family", "model", *EXPORTERS), cells)))


if __name__ == "__main__":
    main(sys.argv[1:])
