"""The frame of every view that is HTML: one style, readable on light and dark, without script."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from workbench.nb.view.plain import plain

_STYLE = """<style>
.wb{color:inherit;font:13px/1.5 system-ui,sans-serif;overflow-x:auto;max-width:100%}
.wb code,.wb pre,.wb summary,.wb .leaf{font:12px/1.55 ui-monospace,monospace;background:none;color:inherit}
.wb pre{margin:4px 0;white-space:pre-wrap}
.wb table,.jp-RenderedHTMLCommon .wb table{border-collapse:collapse;font:inherit;margin:6px 0;
 table-layout:auto;border:0}
.wb th,.wb td,.jp-RenderedHTMLCommon .wb th,.jp-RenderedHTMLCommon .wb td{
 border:1px solid rgba(128,128,128,.35);padding:3px 8px;text-align:left;vertical-align:top;white-space:normal;
 max-width:640px;overflow-wrap:break-word}
.wb th,.jp-RenderedHTMLCommon .wb th{overflow-wrap:normal}
.wb tr{background:none!important}
.wb caption,.wb h4{caption-side:top;text-align:left;padding:6px 0 2px;margin:0;
 font:600 13px system-ui,sans-serif}
.wb .bad{border-left:3px solid #D55E00;padding-left:5px}
.wb .good{border-left:3px solid #009E73;padding-left:5px}
.wb .wrong td{font-weight:600}.wb .wrong td:first-child{border-left:3px solid #D55E00}
.wb .dim{opacity:.75}
.wb details details,.wb details .leaf{margin-left:1.3em}
.wb summary{cursor:pointer}.wb summary:focus-visible{outline:2px solid #0072B2}
.wb .call{opacity:.75}.wb .hit{font-weight:600;text-decoration:underline #D55E00 2px}
</style>"""


def page(body: str, label: str) -> str:
    """Wrap a view's escaped HTML; `label` says to a screen reader what it is."""
    return f'<div class="wb" role="region" aria-label="{plain(label)}">{_STYLE}{body}</div>'


def table(
    caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], wrong: Collection[int] = ()
) -> str:
    """Give a table; every text is escaped, and its line feeds kept; rows numbered in `wrong` are marked.

    >>> table("one", ["a"], [["<b>"]])
    '<table><caption>one</caption><tr><th>a</th></tr><tr><td>&lt;b&gt;</td></tr></table>'
    """
    head = "<tr>" + "".join(f"<th>{lines(name)}</th>" for name in heads) + "</tr>" if any(heads) else ""
    body = "".join(
        ('<tr class="wrong">' if number in wrong else "<tr>")
        + "".join(f"<td>{lines(cell)}</td>" for cell in row)
        + "</tr>"
        for number, row in enumerate(rows)
    )
    return f"<table><caption>{lines(caption)}</caption>{head}{body}</table>"


def lines(text: str) -> str:
    """Escape a text and keep its line feeds."""
    return plain(text).replace("\n", "<br>")
