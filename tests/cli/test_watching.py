"""`genlock watch`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Cli
from tests.daemon.test_exchange import clip, timeline


def test_what_lies_in_a_folder_is_taken_in_once(cli: Cli, bare: Path) -> None:
    cut = timeline(clip("one", "/footage/a.mov", 0, 20, 400), clip("two", "/footage/b.mov", 24, 20, 400))
    (bare / "in.otio").write_text(json.dumps(cut))
    assert cli("import", str(bare / "in.otio"), "--name", "reel").code == 0
    assert cli("export", "reel", str(bare / "out.otio")).code == 0
    drop = bare / "drop"
    drop.mkdir()
    tree = json.loads((bare / "out.otio").read_text())
    tree["tracks"]["children"][0]["children"][0]["source_range"]["duration"]["value"] -= 5
    (drop / "back.otio").write_text(json.dumps(tree))
    done = cli("watch", str(drop), "--into", "reel", "--once", "--json")
    assert done.code == 0
    (line,) = (json.loads(row) for row in done.out.splitlines())
    assert (line["number"], line["file"]["what"], line["file"]["conflicts"]) == (1, "merged", 0)
    again = cli("watch", str(drop), "--into", "reel", "--once")
    assert "unchanged" in again.out
    assert cli("history", "reel", "--json").json["version"] == line["file"]["version"]
    assert cli("undo", "reel").code == 0


def test_a_folder_that_is_not_there(cli: Cli, bare: Path) -> None:
    done = cli("watch", str(bare / "no"), "--into", "reel", "--once", "--json")
    assert (done.code, done.error["code"]) == (2, "no_such_file")
