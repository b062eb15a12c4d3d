"""Check the built pages: every link leads somewhere, nothing is fetched from elsewhere.

Run by `make doc` as ``python doc/check_site.py doc/_build/html``.
"""

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What a browser fetches by itself, as opposed to what a reader may click on.
FETCHED = {
    ("script", "src"),
    ("img", "src"),
    ("link", "href"),
    ("iframe", "src"),
    ("source", "src"),
}


class Page(HTMLParser):
    """The anchors of a page, and what it refers to."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links, self.fetched = set(), [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        """Note anchors and references."""
        for name, value in attributes:
            if name in ("id", "name") and value:
                self.anchors.add(value)
            if name in ("href", "src") and value:
                self.links.append(value)
                if (tag, name) in FETCHED:
                    self.fetched.append(value)


def check(root):
    """Yield what is wrong with the pages under a folder."""
    pages = {
        path.resolve(): Page(path)
        for path in sorted(root.rglob("*.html"))
        if "_static" not in path.parts
    }
    n_links = 0
    for path, page in pages.items():
        name = path.relative_to(root.resolve())
        for link in page.fetched:
            if urlsplit(link).netloc:
                yield f"{name}: fetches {link}"
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            n_links += 1
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target = target / "index.html"
            if not target.exists():
                yield f"{name}: {link} does not exist"
            elif parts.fragment and target in pages:
                if unquote(parts.fragment) not in pages[target].anchors:
                    yield f"{name}: {link} has no such anchor"
    for style in root.rglob("*.css"):
        for link in re.findall(
            r"(?:url\(|@import\s+)['\"]?(?:https?:)?//[^'\")\s]+", style.read_text("utf-8")
        ):
            yield f"{style.relative_to(root)}: fetches {link}"
    text = (root / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text[text.index("(") + 1 : text.rindex(")")])
    for word in ("lasso", "elast", "certif", "gamma"):  # stems
        if word not in index["terms"] and word not in index["titleterms"]:
            yield f"search does not know {word!r}"
    if len(index["docnames"]) < 20:
        yield f"search knows {len(index['docnames'])} pages only"
    print(f"{len(pages)} pages, {n_links} links within the site")


if __name__ == "__main__":
    problems = list(check(Path(sys.argv[1])))
    print("\n".join(problems) or "all lead somewhere, and nothing is fetched from elsewhere")
    sys.exit(bool(problems))
