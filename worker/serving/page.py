"""A playbook as a page that can be read at three in the morning, on a phone, in the dark."""

from __future__ import annotations

from html import escape

from markdown_it import MarkdownIt

from alerts.verdict import Quadrant

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")

_STYLE = """
:root { color-scheme: light dark }
:root { --ink: #1c1e21; --paper: #fff; --soft: #f3f4f6; --line: #d9dce1; --link: #0b5cad }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e6ea; --paper: #16181c; --soft: #22252b; --line: #3a3f47; --link: #7db8f7 }
}
body { margin: 0 auto; max-width: 46rem; padding: 1.5rem 1rem 4rem; overflow-wrap: break-word;
  background: var(--paper); color: var(--ink); font: 1.05rem/1.6 system-ui, sans-serif }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding-bottom: .75rem }
nav { border-bottom: 1px solid var(--line) }
nav [aria-current] { color: inherit; font-weight: 600; text-decoration: none }
h1 { font-size: 1.7rem; line-height: 1.25 }
h2 { font-size: 1.25rem; margin-top: 2rem }
a { color: var(--link) }
code, pre { background: var(--soft); border-radius: 4px; font: .9em ui-monospace, monospace }
code { padding: .1em .3em }
pre { padding: .8rem; overflow-x: auto }
pre code { padding: 0 }
table { border-collapse: collapse; display: block; overflow-x: auto }
th, td { border: 1px solid var(--line); padding: .35rem .6rem; text-align: left }
blockquote { margin: 1rem 0; padding: .1rem 1rem; background: var(--soft) }
blockquote { border-left: 4px solid var(--line) }
li { margin: .25rem 0 }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}: quadrift playbook</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{style}</style>
</head>
<body>
<nav aria-label="Playbooks">
{links}
</nav>
<main>
{text}</main>
</body>
</html>
"""


def page(markdown: str, quadrant: str) -> str:
    """The whole HTML page of one quadrant's playbook, with links to the other three."""
    links = "\n".join(_link(name, current=name == quadrant) for name in Quadrant)
    title = escape(_title(quadrant))
    return _PAGE.format(title=title, style=_STYLE, links=links, text=_MARKDOWN.render(markdown))


def _link(name: str, *, current: bool) -> str:
    mark = ' aria-current="page"' if current else ""
    return f'<a href="/playbooks/{escape(name)}"{mark}>{escape(_title(name))}</a>'


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()
